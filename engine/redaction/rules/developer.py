"""Tokens of git hosts, continuous integration, package registries and developers' tools, by the published formats.

GitHub's and npm's tokens end in a CRC-32 in base62; it is not asked for (see `engine.redaction.secret_checks`), the
prefix says enough.
"""

from __future__ import annotations

from engine.redaction.rule import Rule
from engine.redaction.rules.secret_shapes import ALNUM, HEX, LOWER, UPPER, UUID, UUID_PATTERN, named, token
from engine.redaction.secret_checks import basic_credentials, plausible_mixed, random_secret

# GitLab's routable tokens append a version and a checksum.
_GITLAB = (
    "glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "gloas-",
    "glffct-", "glwt-",
)  # fmt: skip

_GIT_HOSTS = (
    token(
        "github_token",
        r"\bgh[pousr]_[A-Za-z0-9_]{36,251}",
        255,
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        (
            "ghp_" + "MTX6T5bC6O3hDpHJanr4VjXiMha2mn" + "2OaIpp",
            "gho_" + "82r7HQm6Q73swkjesLaQutYDtDRd8b" + "3pN3ep",
            f"ghs_{ALNUM[:36]}",
        ),
        ("ghp_short", f"ghp_{'x' * 36}"),
    ),
    token(
        "github_installation_jwt",
        r"\bghs_\d{1,20}_eyJ[A-Za-z0-9_-]{15,800}\.[A-Za-z0-9_-]{0,800}\.[A-Za-z0-9_-]{0,800}",
        2440,
        ("ghs_",),
        (f"ghs_{'1234567'}_eyJ{ALNUM[:40]}.{ALNUM[:60]}.{ALNUM[:43]}",),
        ("ghs_123_eyJshort",),
    ),
    token(
        "github_fine_grained_token",
        r"\bgithub_pat_[A-Za-z0-9_]{60,244}",
        255,
        ("github_pat_",),
        (f"github_pat_{ALNUM[:22]}_{ALNUM[:59]}",),
    ),
    token(
        "gitlab_token",
        r"\bgl(?:pat|dt|rtr|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct|wt)-[A-Za-z0-9_=-]{20,200}"
        r"(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?",
        221,
        _GITLAB,
        (f"glpat-{ALNUM[:20]}", f"glptt-{HEX[:40]}", f"glpat-{ALNUM[:41]}.01.{LOWER[:9]}", f"glagent-{ALNUM[:50]}"),
        ("glpat-short", f"glpat-{'x' * 20}"),
    ),
    token(
        "gitlab_runner_registration",
        r"\bGR1348941[A-Za-z0-9_-]{20,30}",
        39,
        ("gr1348941",),
        (f"GR1348941{ALNUM[:20]}",),
    ),
    token(
        "gitlab_session",
        r"(?i:_gitlab_session=)([0-9A-Za-z_-]{20,64})",
        86,
        ("_gitlab_session=",),
        (f"_gitlab_session={HEX[:32]}", f"Cookie: a=b; _gitlab_session={HEX[1:33]}; c=d"),
    ),
    token(
        "bitbucket_token",
        r"\bAT(?:BB|CTT3)[A-Za-z0-9_=-]{28,220}(?:(?:%3[dD]|\\u003[dD]|\\=)[0-9A-F]{8})?",
        240,
        ("atbb", "atctt3"),
        (f"ATBB{ALNUM[:32]}", f"ATCTT3xFfGN0{ALNUM[:160]}={UPPER[:8]}"),
    ),
    named(
        "gitea_token",
        r"gitea|forgejo|codeberg|gogs",
        r"[0-9a-f]{40}\b",
        40,
        ("gitea", "forgejo", "codeberg", "gogs"),
        ("gitea", HEX[:40]),
    ),
)

_REGISTRIES = (
    token(
        "npm_token",
        r"\bnpm_[A-Za-z0-9]{36}\b",
        40,
        ("npm_",),
        ("npm_" + "U0bWwJacl7mU56vvGWgUX1c6fvL4v5" + "3652vb", f"npm_{ALNUM[:36]}"),
        ("npm_config_registry", f"npm_{'x' * 36}"),
    ),
    token(
        "npmrc_credential",
        r"(?i::_(?:authToken|auth|password)\s{0,2}=\s{0,2}[\"']?)([A-Za-z0-9+/=_.-]{12,300})",
        322,
        ("_auth", "_password"),
        (f"//registry.example.com/:_authToken={UUID}", f"//registry.example.com/:_auth = {ALNUM[:40]}=="),
        ("//registry.example.com/:_authToken=${NPM_TOKEN}",),
    ),
    token(
        "pypi_token",
        r"\bpypi-Ag(?:EI|EN)[A-Za-z0-9_-]{50,220}",
        229,
        ("pypi-agei", "pypi-agen"),
        (f"pypi-AgEIcHlwaS5vcmc{ALNUM[:120]}", f"pypi-AgENdGVzdC5weXBpLm9yZw{ALNUM[:100]}"),
        ("pypi-AgEIcHlwaS5vcmc",),
    ),
    token("rubygems_key", r"\brubygems_[0-9a-f]{48}\b", 57, ("rubygems_",), (f"rubygems_{HEX[:48]}",)),
    token("nuget_key", r"\boy2[a-z0-9]{43}\b", 46, ("oy2",), (f"oy2{LOWER[:43]}",)),
    named(
        "crates_token",
        r"cargo|crates(?:[._-]io)?",
        r"cio[A-Za-z0-9]{32}\b",
        35,
        ("cargo", "crates"),
        ("cargo_registry", f"cio{ALNUM[:32]}"),
    ),
    token("clojars_token", r"\b(?i:clojars_)[0-9a-z]{60}\b", 70, ("clojars_",), (f"CLOJARS_{HEX[:60]}",)),
    token("apify_token", r"\bapify_api_[A-Za-z0-9]{34,40}\b", 50, ("apify_api_",), (f"apify_api_{ALNUM[:36]}",)),
    token(
        "packagist_token", r"\bpackagist_[a-z]{3}_[0-9a-f]{68}\b", 82, ("packagist_",), (f"packagist_ort_{HEX[:68]}",)
    ),
    token(
        "docker_token",
        r"\bdckr_[po]at_[A-Za-z0-9_-]{27,44}",
        53,
        ("dckr_pat_", "dckr_oat_"),
        (f"dckr_pat_{ALNUM[:27]}", f"dckr_oat_{ALNUM[:32]}"),
    ),
    token(
        "docker_registry_auth",
        r"\"auth\"\s{0,2}:\s{0,2}\"([A-Za-z0-9+/]{12,400}={0,2})\"",
        415,
        ('"auth"',),
        (
            '{"auths": {"ghcr.io": {"auth": "' + "YnVpbGRlcjpiM3JyeTQ1bGFiZWw" + '="}}}',
            '"auth":"' + "Y2k6cjBib3RzLW5ldmVyLXNsZWVw" + '"',
        ),
        ('"auth": "not base64 of a pair"', '{"auth": "Bearertokenkind"}'),
        basic_credentials,
    ),
    token("jfrog_api_key", r"\bAKCp[A-Za-z0-9_-]{69,80}", 84, ("akcp",), (f"AKCp{ALNUM[:69]}",)),
    token("jfrog_reference_token", r"\bcmVmdGtu[A-Za-z0-9_-]{50,72}", 80, ("cmvmdgtu",), (f"cmVmdGtu{ALNUM[:56]}",)),
    token(
        "hashicorp_terraform_token",
        r"[A-Za-z0-9_-]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
        93,
        (".atlasv1.",),
        (f"{ALNUM[:14]}.atlasv1.{ALNUM[:67]}",),
    ),
)

_CI = (
    token(
        "circleci_token",
        r"\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{16,32}_[0-9a-f]{40}\b",
        80,
        ("ccipat_", "cciprj_"),
        (f"CCIPAT_{ALNUM[:22]}_{HEX[:40]}", f"CCIPRJ_{ALNUM[:22]}_{HEX[:40]}"),
    ),
    named("circleci_legacy_token", r"circle[ _-]?ci", r"[0-9a-f]{40}\b", 40, ("circle",), ("circleci", HEX[:40])),
    token(
        "buildkite_token",
        r"\bbk(?:ua|at|ct|pt|pi|jt|aj)_[A-Za-z0-9]{32,60}\b",
        65,
        ("bkua_", "bkat_", "bkct_", "bkpt_", "bkpi_", "bkjt_", "bkaj_"),
        (f"bkua_{HEX[:40]}",),
    ),
    named(
        "travis_token",
        r"travis(?:[ _-]?ci)?",
        r"[A-Za-z0-9_-]{22}\b",
        22,
        ("travis",),
        ("travis_ci", ALNUM[:22]),
        check=plausible_mixed,
    ),
    named("codecov_token", r"codecov", UUID_PATTERN + r"\b", 36, ("codecov",), ("codecov", UUID)),
    named(
        "drone_token",
        r"drone(?:[ _-]?ci|_)",
        r"[A-Za-z0-9]{32}\b",
        32,
        ("drone",),
        ("drone_ci", ALNUM[:32]),
        check=plausible_mixed,
    ),
    token(
        "sonar_token",
        r"\bsq[puar]_[0-9a-f]{40}\b",
        44,
        ("sqp_", "squ_", "sqa_", "sqr_"),
        (f"sqp_{HEX[:40]}", f"squ_{HEX[:40]}"),
    ),
    named("sonar_legacy_token", r"sonar(?:qube|cloud)?", r"[0-9a-f]{40}\b", 40, ("sonar",), ("sonarqube", HEX[:40])),
    token(
        "snyk_token",
        r"\bsnyk_(?:uat|sat|pat)\.[A-Za-z0-9_.-]{20,120}",
        129,
        ("snyk_",),
        (f"snyk_uat.{HEX[:8]}.{ALNUM[:60]}",),
        ("snyk_uat.short",),
    ),
    named("snyk_legacy_token", r"snyk", UUID_PATTERN + r"\b", 36, ("snyk",), ("snyk", UUID)),
    token(
        "octopus_key",
        r"\bAPI-[A-Z0-9]{25,32}\b",
        36,
        ("api-",),
        (f"API-{UPPER[:26]}",),
        ("API-DOCUMENTATION", "REST-API-KEY"),
        plausible_mixed,
    ),
    token(
        "harness_token",
        r"\b[ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}\b",
        72,
        ("pat.", "sat."),
        (f"pat.{ALNUM[:22]}.{HEX[:24]}.{ALNUM[:20]}",),
    ),
    token("infracost_key", r"\bico-[A-Za-z0-9]{32}\b", 36, ("ico-",), (f"ico-{ALNUM[:32]}",)),
    token("prefect_key", r"\bpn[ub]_[A-Za-z0-9]{36}\b", 40, ("pnu_", "pnb_"), (f"pnu_{ALNUM[:36]}",)),
    token("pulumi_token", r"\bpul-[0-9a-f]{40}\b", 44, ("pul-",), (f"pul-{HEX[:40]}",)),
    token("scalingo_token", r"\btk-us-[A-Za-z0-9_-]{48,52}", 58, ("tk-us-",), (f"tk-us-{ALNUM[:48]}",)),
)

_TOOLS = (
    token(
        "vault_token",
        r"\bhv[sbr]\.[A-Za-z0-9_-]{24,300}",
        304,
        ("hvs.", "hvb.", "hvr."),
        (f"hvs.CAESI{ALNUM[:90]}", f"hvb.AAAAAQ{ALNUM[:130]}", f"hvs.{ALNUM[:24]}"),
        ("hvs.short",),
    ),
    token(
        # As it stands alone, such as in a log: 24 characters drawn at random behind the letter of a service token.
        "vault_service_token",
        r"\b[s]\.[A-Za-z0-9]{24}\b",
        26,
        (),
        (f"s.{ALNUM[:24]}",),
        ("s.isAlphaNumericCharacterz", f"s.{'a' * 24}"),
        random_secret,
    ),
    token("confluent_key", r"\bcflt[A-Za-z0-9+/]{60}", 64, ("cflt",), (f"cflt{ALNUM[:60]}",)),
    token(
        "bitbucket_http_token",
        r"\bBBDC-[A-Za-z0-9_-]{44}",
        49,
        ("bbdc-",),
        (f"BBDC-{ALNUM[:44]}",),
    ),
    named(
        "vault_legacy_token",
        r"vault",
        r"s\.[A-Za-z0-9]{24}\b",
        26,
        ("vault",),
        ("vault", f"s.{ALNUM[:24]}"),
        check=plausible_mixed,
    ),
    named(
        "consul_token",
        r"consul(?:[ _-](?:http|acl))|nomad",
        UUID_PATTERN + r"\b",
        36,
        ("consul", "nomad"),
        ("nomad", UUID),
    ),
    token(
        "boundary_token",
        r"\bat_[A-Za-z0-9]{10}_s1[A-Za-z0-9]{40,200}\b",
        216,
        ("at_",),
        (f"at_{ALNUM[:10]}_s1{ALNUM[:90]}",),
        ("created_at_2024", f"at_{ALNUM[:10]}"),
    ),
    token(
        "doppler_token",
        r"\bdp\.(?:pt|st|ct|sa|scim|audit|said)\.(?:[a-z0-9_-]{2,40}\.)?[A-Za-z0-9]{40,44}\b",
        94,
        ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit.", "dp.said."),
        (f"dp.pt.{ALNUM[:43]}", f"dp.st.prd.{ALNUM[:43]}"),
    ),
    token(
        "onepassword_service_token",
        r"\bops_eyJ[A-Za-z0-9+/_-]{200,1000}={0,3}",
        1010,
        ("ops_eyj",),
        (f"ops_eyJ{ALNUM * 2}",),
    ),
    token(
        "onepassword_secret_key",
        r"\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b",
        40,
        ("a3-",),
        (
            f"A3-{UPPER[:6]}-{UPPER[6:12]}-{UPPER[12:17]}-{UPPER[17:22]}-{UPPER[22:27]}-{UPPER[27:32]}",
            f"A3-{UPPER[:6]}-{UPPER[6:17]}-{UPPER[17:22]}-{UPPER[22:27]}-{UPPER[27:32]}",
        ),
    ),
    token(
        "atlassian_token",
        r"\bATATT3[A-Za-z0-9_=-]{92,240}(?:(?:%3[dD]|\\u003[dD]|\\=)[0-9A-F]{8})?",
        260,
        ("atatt3",),
        (f"ATATT3xFfGF0{ALNUM[:170]}={UPPER[:8]}",),
    ),
    named(
        "atlassian_legacy_token",
        r"atlassian|jira|confluence",
        r"[A-Za-z0-9]{24}\b",
        24,
        ("atlassian", "jira", "confluence"),
        ("jira", ALNUM[:24]),
        check=plausible_mixed,
    ),
    token(
        "linear_key",
        r"\blin_(?:api|oauth|wh)_[A-Za-z0-9]{32,64}\b",
        74,
        ("lin_api_", "lin_oauth_", "lin_wh_"),
        (f"lin_api_{ALNUM[:40]}", f"lin_oauth_{HEX[:64]}"),
    ),
    token("postman_key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b", 64, ("pmak-",), (f"PMAK-{HEX[:24]}-{HEX[:34]}",)),
    token("postman_collection_key", r"\bPMAT-[0-9A-Z]{26}\b", 31, ("pmat-",), (f"PMAT-{UPPER[:26]}",)),
    token(
        "sourcegraph_token",
        r"\b(?:sgp_(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}|slk_[0-9a-f]{64})\b",
        68,
        ("sgp_", "slk_"),
        (f"sgp_{HEX[:16]}_{HEX[:40]}", f"sgp_{HEX[:40]}", f"slk_{HEX[:64]}"),
    ),
    token(
        "jetbrains_token",
        r"\bperm:[A-Za-z0-9+/=_-]{8,80}\.[A-Za-z0-9+/=_-]{2,40}\.[A-Za-z0-9]{30,60}\b",
        187,
        ("perm:",),
        (f"perm:{ALNUM[:16]}=.{ALNUM[:8]}.{ALNUM[:40]}",),
    ),
    token(
        "docker_swarm_token",
        r"\bSWM(?:TKN-\d-[0-9a-z]{50}-[0-9a-z]{25}|KEY-\d-[0-9A-Za-z+/]{43})\b",
        87,
        ("swmtkn-", "swmkey-"),
        (f"SWMTKN-1-{LOWER[:50]}-{LOWER[:25]}", f"SWMKEY-1-{ALNUM[:43]}"),
    ),
    token(
        "defined_networking_key",
        r"\bdnkey-[A-Za-z0-9]{26}-[A-Za-z0-9]{52}\b",
        85,
        ("dnkey-",),
        (f"dnkey-{UPPER[:26]}-{UPPER[:52]}",),
    ),
    token("wakatime_key", rf"\bwaka_{UUID_PATTERN}\b", 41, ("waka_",), (f"waka_{UUID}",)),
    token("wundergraph_key", r"\bcosmo_[0-9a-f]{32}\b", 38, ("cosmo_",), (f"cosmo_{HEX[:32]}",)),
    token("riot_games_key", rf"\bRGAPI-{UUID_PATTERN}\b", 42, ("rgapi-",), (f"RGAPI-{UUID}",)),
    token("settlemint_token", r"\bsm_[aps]at_[A-Za-z0-9]{16}\b", 23, ("sm_",), (f"sm_pat_{ALNUM[:16]}",)),
    token("maxmind_key", r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b", 40, ("_mmk",), (f"{ALNUM[:6]}_{ALNUM[:29]}_mmk",)),
    token("intra42_secret", r"\bs-s4t2(?:ud|af)-[0-9a-f]{64}\b", 74, ("s-s4t2",), (f"s-s4t2ud-{HEX[:64]}",)),
    token("readme_key", r"\brdme_[a-z0-9]{70}\b", 75, ("rdme_",), (f"rdme_{LOWER[:70]}",)),
    token(
        "phabricator_token",
        r"\b(?:api|cli)-[a-z0-9]{28}\b",
        32,
        ("api-", "cli-"),
        (f"api-{LOWER[:28]}", f"cli-{LOWER[:28]}"),
        ("api-documentation-for-developers", "cli-" + "a" * 28),
        plausible_mixed,
    ),
    token("openshift_token", r"\bsha256~[A-Za-z0-9_-]{43}", 50, ("sha256~",), (f"sha256~{ALNUM[:43]}",)),
    token(
        "rancher_token", r"\btoken-[a-z0-9]{5}:[a-z0-9]{54}\b", 66, ("token-",), (f"token-{LOWER[:5]}:{LOWER[:54]}",)
    ),
    Rule(
        "kubeadm_token",
        "secrets",
        r"(?i:kubeadm join [\w.:-]{1,80} --token|bootstrap[ _-]?token|kubeadm[ _-]?token)[ =:\"']{1,4}"
        r"([a-z0-9]{6}\.[a-z0-9]{16})\b",
        292,
        "[KUBEADM_TOKEN]",
        (
            f"kubeadm join 10.0.0.1:6443 --token {LOWER[:6]}.{LOWER[6:22]} --discovery-token-ca-cert-hash "
            f"sha256:{HEX[:64]}",
            f"bootstrap_token: {LOWER[:6]}.{LOWER[6:22]}",
        ),
        ("kubeadm join 10.0.0.1:6443 --token <token>",),
        ("kubeadm", "bootstrap"),
        plausible_mixed,
    ),
    token(
        "launchdarkly_key",
        rf"\b(?:sdk|api|mob|rel)-{UUID_PATTERN}\b",
        40,
        ("sdk-", "api-", "mob-", "rel-"),
        (f"sdk-{UUID}", f"mob-{UUID}"),
    ),
    named(
        "pagerduty_legacy_key",
        r"pager[ _-]?duty",
        r"(?:[A-Za-z0-9_+-]{20}|[0-9a-f]{32})\b",
        32,
        ("pager",),
        ("pagerduty", f"u+{ALNUM[:18]}"),
        check=plausible_mixed,
    ),
    named(
        "confluent_secret",
        r"confluent",
        r"(?:[A-Za-z0-9+/]{64}|[A-Z0-9]{16})\b",
        64,
        ("confluent",),
        ("confluent", ALNUM[:64]),
        check=random_secret,
    ),
    token(
        "figma_token",
        r"\bfig(?:d|o|u)[rh]?_[A-Za-z0-9_-]{36,60}",
        66,
        ("figd_", "figo_", "figu_", "figdr_", "figor_", "figur_", "figdh_", "figoh_", "figuh_"),
        (f"figd_{ALNUM[:40]}",),
    ),
)

RULES: tuple[Rule, ...] = (*_GIT_HOSTS, *_REGISTRIES, *_CI, *_TOOLS)
