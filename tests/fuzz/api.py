"""`python -m tests.fuzz.api [EXAMPLES]`: schemathesis over the description that a gateway serves of itself.

A gateway of one worker in front of the strict upstream; every operation gets valid and invalid requests, and no answer
may be a 5xx, or have a status, a type or a shape that the description does not have. Needs the extra `api`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conformance.upstream import StrictUpstream
from tests.integration.gateway import Gateway

DEFAULT_EXAMPLES = 20
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
POLICY = """
upstreams:
  main: {{base_url: "http://127.0.0.1:{port}/v1"}}
  claude: {{base_url: "http://127.0.0.1:{port}/v1", dialect: anthropic}}
models: {{"claude*": {{upstream: claude}}, "*": {{upstream: main}}}}
roles: {{user: {{endpoints: ["*"], models: ["*"], redaction: none}}}}
redaction: {{default: {{}}, none: {{}}}}
# Wrong credentials are among what is tried.
network: {{bans: null}}
routes: [{{name: shaped, path: /v1/shaped, upstream: main, request_schema: in.json}}]
"""
SCHEMA = '{"properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"], "$defs": {"n": {"type": "integer"}}}'


def main() -> int:
    examples = sys.argv[1] if len(sys.argv) > 1 else str(DEFAULT_EXAMPLES)
    program = shutil.which("schemathesis") or shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        sys.exit("schemathesis is not installed: pip install 'tidegate[api]'")
    with StrictUpstream() as upstream, tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Path(folder), POLICY.format(port=upstream.port), TIDEGATE_WORKERS="1")
        (gateway.folder / "in.json").write_text(SCHEMA)
        gateway.start()
        try:
            url = f"http://127.0.0.1:{gateway.port}/openapi.json"
            credential = f"Authorization: Bearer {gateway.key()[0]}"
            command = [program, "run", url, "-H", credential, "-c", CHECKS, "-n", examples, "--seed", "1", "--no-color"]
            # How long an example takes to make says something of the machine, not of the gateway.
            command += ["--suppress-health-check", "all"]
            return subprocess.run(command, check=False, cwd=folder).returncode or bool(upstream.broken)
        finally:
            gateway.stop()


if __name__ == "__main__":
    sys.exit(main())
