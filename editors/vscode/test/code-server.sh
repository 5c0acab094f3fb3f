#!/usr/bin/env bash
# VS Code's workbench for `npm run workbench`, where its own installer may download nothing: code-server from npm, its
# native modules compiled here (a C++ compiler, Debian's libkrb5-dev and ripgrep, Node 20). Takes a folder; says what to set.
set -euo pipefail
folder=${1:?the folder to install into}
mkdir -p "$folder"
cd "$folder"
[ -f package.json ] || npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts code-server@4.100.3
npm rebuild argon2 --build-from-source
cd node_modules/code-server/lib/vscode
npm install --no-audit --no-fund --omit=dev --ignore-scripts
ln -sfn node_modules node_modules.asar
# node-pty's installer ends with an error after it has built what is needed.
npm rebuild @vscode/spdlog native-watchdog node-pty || [ -f node_modules/node-pty/build/Release/pty.node ]
# Files are found by ripgrep, which its package would download.
mkdir -p node_modules/@vscode/ripgrep/bin
ln -sfn "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
echo "CODE_SERVER=$(realpath ../../out/node/entry.js)"
