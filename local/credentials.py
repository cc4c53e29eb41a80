"""``eval "$(python -m local.credentials team-a)"``: act as a principal of the running stack."""

from __future__ import annotations

import json
import shlex
import sys

from local.run import STATE


def main() -> int:
    """Print export lines for the principal named on the command line."""
    path = STATE / "stack.json"
    if not path.exists():
        print("Nothing is running: `make run` first.", file=sys.stderr)
        return 1
    document = json.loads(path.read_text())
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in document["principals"]:
        print(f"Name one of: {', '.join(document['principals'])}", file=sys.stderr)
        return 2
    principal = document["principals"][name]
    exports = {
        "AWS_ACCESS_KEY_ID": principal["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": principal["secret_access_key"],
        "AWS_SESSION_TOKEN": principal["session_token"],
        "AWS_REGION": document["region"],
        "AWS_ENDPOINT_URL": document["aws_endpoint_url"],
        "AWS_ENDPOINT_URL_STS": document["web_identity"]["issuer"],
        "AWS_ENDPOINT_URL_IAM": document["web_identity"]["issuer"],
    }
    print("\n".join(f"export {key}={shlex.quote(value)}" for key, value in exports.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
