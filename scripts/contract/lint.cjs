// lint holds the documents of the contract against their standards: AsyncAPI 3 and OpenAPI 3.1. It asks nothing of the network.
// usage: node scripts/contract/lint.cjs MODULES API     where the linters are; the directory with asyncapi.yaml and openapi.json
// Exit: 1 at any error or warning.
const {spawnSync} = require("node:child_process");
const {createRequire} = require("node:module");
const path = require("node:path");

const [modules, api] = process.argv.slice(2).map((dir) => path.resolve(dir));
let faults = 0;

function fault(file, where, message) {
  faults++;
  console.error(`${file}: ${where}: ${message}`);
}

async function asyncAPI(file) {
  const {Parser, fromFile} = createRequire(modules + "/")("@asyncapi/parser");
  const {document, diagnostics} = await fromFile(new Parser(), file).parse();
  const warning = 1; // 0 is an error; 2 and 3 are advice, as that there is a newer AsyncAPI
  for (const d of diagnostics) {
    if (d.severity <= warning) fault(file, d.path.join("/"), d.message);
  }
  if (!document && faults === 0) fault(file, "", "cannot be read");
}

function openAPI(file) {
  const run = spawnSync(process.execPath, [path.join(modules, "@redocly/cli/bin/cli.js"), "lint", "--format=json", file], {
    encoding: "utf8",
    env: {...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true"},
  });
  let found;
  try {
    found = JSON.parse(run.stdout);
  } catch {
    return fault(file, "", `the linter says: ${run.error ?? ""}${run.stdout}${run.stderr}`);
  }
  for (const p of found.problems) {
    const at = p.location?.[0];
    fault(at?.source?.ref ?? file, at?.pointer ?? "", p.message);
  }
  if (run.status !== 0 && faults === 0) fault(file, "", run.stderr);
}

asyncAPI(path.join(api, "asyncapi.yaml")).then(() => {
  openAPI(path.join(api, "openapi.json"));
  process.exitCode = faults > 0 ? 1 : 0;
});
