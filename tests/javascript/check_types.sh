#!/usr/bin/env bash
# The widget's types, by TypeScript where it is installed. With CI=true a missing tool is a failure.
set -u
cd "$(dirname "$0")"
if [ -x node_modules/.bin/tsc ]; then exec node_modules/.bin/tsc -p .; fi
echo "The widget's types were not checked: TypeScript is not installed. Install it with: make tools"
[ "${CI:-}" != true ]
