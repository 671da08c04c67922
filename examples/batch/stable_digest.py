"""Ask the API server which model is stable, and write its sha256 to a file. Standard library only; runs in an init container.

python stable_digest.py NAMESPACE BANKMODEL OUTPUT
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CREDENTIALS = Path(os.environ.get("CREDENTIALS", "/var/run/secrets/kubernetes.io/serviceaccount"))
DEADLINE_S = 30


def bankmodel(namespace: str, name: str) -> dict[str, Any]:
    """The resource as it is now; ends with a sentence where it can't be read."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    where = f"https://{f'[{host}]' if ':' in host else host}:{port}/apis/serving.bankmodel.io/v1alpha1"
    token = (CREDENTIALS / "token").read_text().strip()
    request = urllib.request.Request(
        f"{where}/namespaces/{namespace}/bankmodels/{name}", headers={"Authorization": f"Bearer {token}"}
    )
    trust = ssl.create_default_context(cafile=str(CREDENTIALS / "ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S, context=trust) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (urllib.error.URLError, TimeoutError) as error:
        sys.exit(f"BankModel {namespace}/{name} can't be read: {error}")


def main(namespace: str, name: str, output: str) -> None:
    """Write the digest, or end with a sentence that says why there is none."""
    digest = (bankmodel(namespace, name).get("status", {}).get("stable") or {}).get("sha256")
    if not digest:
        sys.exit(f"BankModel {namespace}/{name} has no stable revision yet; there is nothing to score with")
    Path(output).write_text(digest)
    print(f"stable in {namespace}/{name}: sha256:{digest}")


if __name__ == "__main__":
    main(*sys.argv[1:])
