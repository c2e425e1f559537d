#!/usr/bin/env bash
# Makes static/vendor/preact.js: the one library file that the portal's pages load.
# Versions are those of package.json. Run it after changing one, and commit what it writes.
set -euo pipefail
cd "$(dirname "$0")/.."

vendor=src/productnet/portal/static/vendor
npm install --no-audit --no-fund --silent

cat > "$vendor/.entry.mjs" <<'JS'
export { h, render, Fragment, createContext, createRef, options } from "preact";
export {
  useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "preact/hooks";
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from "@preact/signals";
import { h } from "preact";
import htm from "htm";
export const html = htm.bind(h);
JS
trap 'rm -f "$vendor/.entry.mjs"' EXIT

version() { node -p "require('./node_modules/$1/package.json').version"; }
node_modules/.bin/esbuild "$vendor/.entry.mjs" --bundle --format=esm --minify --target=es2022 \
    --legal-comments=none --outfile="$vendor/preact.js" --log-level=warning \
    --banner:js="// preact $(version preact) (MIT), htm $(version htm) (Apache-2.0), @preact/signals $(version @preact/signals) (MIT). Made by scripts/vendor.sh; licences in licences.txt."

for package in preact htm @preact/signals; do
    printf '%s %s\n\n' "$package" "$(version "$package")"
    cat "node_modules/$package/LICENSE"
    printf '\n\n'
done > "$vendor/licences.txt"
