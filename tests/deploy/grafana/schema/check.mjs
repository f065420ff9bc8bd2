// usage: check.mjs DASHBOARD.json MODULES
//
// Checks a dashboard against the types that Grafana publishes (@grafana/schema, below MODULES): a
// misspelt key, a value of the wrong type, an option that a panel does not have. The dashboard
// becomes a TypeScript file of object literals, in which the compiler allows no key too many.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const [dashboardFile, modules] = process.argv.slice(2);
const ts = createRequire(path.join(modules, 'package.json'))('typescript');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chatgate-schema-'));
const file = path.join(folder, 'dashboard.ts');
const panelTypes = 'node_modules/@grafana/schema/dist/types/raw/composable';

// Every key is optional, since Grafana fills in defaults; enumerations are written as their texts.
const PRELUDE = `
import type {Dashboard, Panel} from '@grafana/schema';
type Part<T> = T extends (infer U)[] ? Part<U>[]
  : T extends object ? {[K in keyof T]?: Part<T[K]>}
  : T extends string ? T | \`\${T}\` : T;
type Elements<T> = NonNullable<T> extends (infer U)[] ? U : never;
type Variable = Elements<NonNullable<Dashboard['templating']>['list']>;
// The model of a Prometheus query in the schema is of an older version; this is what Grafana 12 saves.
type Query = {
  refId: string; expr: string; legendFormat?: string; format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean; range?: boolean; editorMode?: 'code' | 'builder';
  datasource: {type: 'prometheus'; uid: string};
};
// What the data source of Prometheus adds to an annotation.
type Annotation = Part<Elements<NonNullable<Dashboard['annotations']>['list']>> & {
  expr: string; titleFormat?: string; textFormat?: string; useValueForTime?: boolean;
  step?: string; target?: {refId: string; expr: string};
};
`;

function source(dashboard) {
  const { panels, templating, annotations, ...top } = dashboard;
  const parts = [PRELUDE];
  const literal = (name, type, value) =>
    parts.push(`export const ${name}: ${type} = ${JSON.stringify(value, null, 1)};`);
  literal('dashboard', "Part<Omit<Dashboard, 'panels' | 'templating' | 'annotations'>>", top);
  literal('variables', 'Part<Variable>[]', templating.list);
  literal('annotations', 'Annotation[]', annotations.list);
  for (const panel of panels) checkPanel(panel, parts, literal);
  return parts.join('\n');
}

function checkPanel({ targets, options, fieldConfig, ...rest }, parts, literal) {
  const { id, type } = rest;
  if (type === 'row') return literal(`row_${id}`, "Part<import('@grafana/schema').RowPanel>", rest);
  const types = `${panelTypes}/${type}/panelcfg/x/types.gen.d.ts`;
  const declared = fs.readFileSync(path.join(modules, types), 'utf8');
  const { custom, ...defaults } = fieldConfig.defaults;
  literal(`panel_${id}`, 'Part<Panel>', { ...rest, fieldConfig: { ...fieldConfig, defaults } });
  literal(`queries_${id}`, 'Query[]', targets);
  parts.push(`import type * as Types${id} from './${types}';`);
  literal(`options_${id}`, `Part<Types${id}.Options>`, options);
  if (custom && !/\bFieldConfig\b/.test(declared)) throw new Error(`${type} has no custom fields`);
  if (custom) literal(`custom_${id}`, `Part<Types${id}.FieldConfig>`, custom);
}

function faults() {
  const program = ts.createProgram([file], {
    strict: true, noEmit: true, skipLibCheck: true, types: [], preserveSymlinks: true,
    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  });
  return ts.getPreEmitDiagnostics(program).filter((fault) => fault.file?.fileName === file);
}

function describe(fault) {
  const { line } = fault.file.getLineAndCharacterOfPosition(fault.start);
  const name = fault.file.text.slice(0, fault.start).match(/export const (\w+)(?![^]*export const)/)?.[1];
  const text = ts.flattenDiagnosticMessageText(fault.messageText, '\n').split('\n').pop().trim();
  return `${name ?? 'prelude'}: ${fault.file.text.split('\n')[line].trim()} => ${text}`;
}

try {
  fs.symlinkSync(path.resolve(modules, 'node_modules'), path.join(folder, 'node_modules'));
  fs.writeFileSync(file, source(JSON.parse(fs.readFileSync(dashboardFile, 'utf8'))));
  const found = faults();
  for (const fault of found) console.log(describe(fault));
  process.exitCode = found.length ? 1 : 0;
} finally {
  fs.rmSync(folder, { recursive: true });
}
