// Misspelt, missing and mistyped fields: each object becomes a constant of its kind's TypeScript
// type, and the compiler judges it. usage: node structure.mjs FILE...
import {createRequire} from 'node:module';
import ts from 'typescript';
import {isServed, modelOf, objectsOf, report} from './manifests.mjs';

const require = createRequire(import.meta.url);

function isKnown(object) {
  if (!isServed(object)) return false;
  try {
    require.resolve(modelOf(object));
    return true;
  } catch {
    return false;
  }
}

const sources = new Map();  // By the name that the compiler sees.
for (const file of process.argv.slice(2)) {
  for (const object of objectsOf(file)) {
    // An API version that Kubernetes no longer has, or never had.
    if (!isKnown(object)) {
      report(file, object, `there is no ${object.kind} in ${object.apiVersion}`);
      continue;
    }
    const source = `import type {I${object.kind} as T} from ${JSON.stringify(modelOf(object))};\n` +
      `export const object: T = ${JSON.stringify(object, null, 1)};\n`;
    sources.set(`${import.meta.dirname ?? process.cwd()}/object${sources.size}.ts`,
                {file, object, source});
  }
}

const options = {
  strict: true, noEmit: true, skipLibCheck: true, types: [],
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
};
const host = ts.createCompilerHost(options);
const {fileExists, readFile, getSourceFile} = host;
host.fileExists = (name) => sources.has(name) || fileExists(name);
host.readFile = (name) => sources.get(name)?.source ?? readFile(name);
host.getSourceFile = (name, ...rest) => {
  const known = sources.get(name);
  return known ? ts.createSourceFile(name, known.source, options.target)
               : getSourceFile(name, ...rest);
};

const program = ts.createProgram([...sources.keys()], options, host);
for (const found of ts.getPreEmitDiagnostics(program)) {
  const text = ts.flattenDiagnosticMessageText(found.messageText, '\n').split('\n').pop().trim();
  const {file, object} = sources.get(found.file?.fileName) ?? {file: '', object: {}};
  report(file, object, text);
}
