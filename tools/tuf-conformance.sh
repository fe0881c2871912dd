#!/usr/bin/env bash
# Runs the TUF project's conformance suite (theupdateframework/tuf-conformance, checked out at SUITE_DIR) against bin/tuf-client.
# It needs python3 with pytest, tuf and securesystemslib, and faketime; further arguments go to pytest.
set -euo pipefail
if [ $# -lt 1 ]; then
  echo "usage: tools/tuf-conformance.sh SUITE_DIR [PYTEST_ARGUMENT…]" >&2
  exit 2
fi
client="$(cd "$(dirname "$0")/.." && pwd)/bin/tuf-client"
cd "$1"
shift
PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" exec python3 -m pytest -q tuf_conformance --entrypoint "$client" "$@"
