#!/bin/bash
# Where Qdrant's own image has its settings, the stand-in server has arguments.
set -euo pipefail
export ENGRAM_TEST_QDRANT_API_KEY=${QDRANT__SERVICE__API_KEY:-}
export PYTHONPATH=/qdrant/engine PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 /qdrant/server/server.py --host 0.0.0.0 --port 6333 --storage /qdrant/storage/standin
