"""`tidegate demo`: a gateway on a mock LLM, with real controls, a fresh key and three commands to paste.

The mock runs as a child process on a loopback port of its own; the gateway is the same as `tidegate serve` runs. State
is in a folder of its own; the key is revoked at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.identity.key_store import KeyStore
from engine.settings import Settings, load
from engine.supervisor import Supervisor
from engine.supervisor import run as run_gateway

POLICY: Final = """\
# The policy of `tidegate demo`. Change it while the demo runs: it is read again at once.
version: 1

upstreams:
  mock:
    base_url: {base_url}
    dialect: openai

models:
  mock-small: {{upstream: mock, price: {{input: 0.15, output: 0.60}}}}
  mock-large: {{upstream: mock, price: {{input: 2.50, output: 10.00}}}}

roles:
  visitor:
    endpoints: [chat, completions, embeddings, responses, messages, models]
    models: [mock-small]
    parameters:
      max_tokens: {{max: 4096}}
      n: {{max: 1}}
      logit_bias: deny
    redaction: default

limits:
  - {{name: per-ip, by: ip, requests: 600/minute}}
  - {{name: per-user, by: user, requests: 60/minute}}
  - {{name: everybody, by: global, requests: 6000/minute}}

redaction:
  default: {{pii: mask, secrets: mask, private_key: block}}
"""

_CURL: Final = """\
{number}. {what}

curl -s -i http://{address}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{body}'
"""

_BODY: Final = '{{"model": "{model}", "messages": [{{"role": "user", "content": "{text}"}}]}}'

_COMMANDS: Final = (
    ("Answered (200).", "mock-small", "Hello from behind the gateway"),
    (
        "Redacted: a customer's record leaves without what is personal or secret in it (200).",
        "mock-small",
        "Show me the record of customer 42",
    ),
    ("Refused: this key may not use that model (403).", "mock-large", "Hello"),
)


def commands(address: str, key: str) -> str:
    """The three commands, as they are put on the screen."""
    return "\n".join(
        _CURL.format(number=number, what=what, address=address, key=key, body=_BODY.format(model=model, text=text))
        for number, (what, model, text) in enumerate(_COMMANDS, 1)
    )


def run(state_dir: Path | None) -> int:
    """Runs the demo until Ctrl-C. Returns the exit code. Without a folder, state is in one made for the run."""
    settings = load(os.environ)
    if state_dir is not None:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _run(settings, state_dir)
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
        return _run(settings, Path(folder))


def _run(settings: Settings, folder: Path) -> int:
    mock = subprocess.Popen(
        [sys.executable, "-m", "engine.demo.mock_llm"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for the gateway, whose running answers still need the mock.
        start_new_session=True,
    )
    try:
        assert mock.stdout is not None
        port = mock.stdout.readline().strip()
        if not port:
            print("tidegate demo: the mock LLM did not start", file=sys.stderr)
            return 1
        policy = folder / "policy.yaml"
        policy.write_text(POLICY.format(base_url=f"http://127.0.0.1:{port}/v1"), encoding="utf-8")
        with KeyStore(folder) as store:
            made = store.create("demo", ["visitor"])
        try:
            return run_gateway(
                replace(settings, policy=policy, state_dir=folder, audit_log=folder / "audit.jsonl"),
                on_up=lambda supervisor: _welcome(supervisor, made.key, policy),
            )
        finally:
            with KeyStore(folder) as store:
                store.revoke(made.id)
    finally:
        mock.terminate()
        mock.wait()


def _welcome(supervisor: Supervisor, key: str, policy: Path) -> None:
    print(
        f"\ntidegate demo: the gateway is on http://{supervisor.address}, "
        f"health and metrics on http://{supervisor.admin_address}/metrics\n"
        f"policy: {policy}\naudit log: {policy.with_name('audit.jsonl')}\n\n"
        f"Three commands to paste into another terminal:\n\n{commands(str(supervisor.address), key)}\n"
        "Ctrl-C ends it.\n",
        flush=True,
    )
