// What objects say of each other, Pod Security `restricted`, and good practice: Monokle's rules that
// need no network. usage: node relations.mjs FILE...
import fs from 'node:fs';
import {parseAllDocuments} from 'yaml';
import {createDefaultMonokleValidator, processRefs, ResourceParser} from '@monokle/validation';
import {report} from './manifests.mjs';

const PLUGINS = ['yaml-syntax', 'resource-links', 'pod-security-standards', 'practices'];
// A gateway is there to be reached from outside.
const MEANT = new Set(['no-exposed-service']);

function resourcesOf(file) {
  const resources = [];
  let offset = 0;
  for (const text of fs.readFileSync(file, 'utf8').split(/^---\s*$/m)) {
    const content = parseAllDocuments(text)[0]?.toJS();
    if (content?.kind) {
      resources.push({
        id: `${file}#${resources.length}`, fileId: file, filePath: file, fileOffset: offset, text,
        name: content.metadata?.name, namespace: content.metadata?.namespace,
        apiVersion: content.apiVersion, kind: content.kind, content,
      });
    }
    offset += text.length + 4;
  }
  return resources;
}

// Whom an object scales, protects or watches, which Monokle does not follow.
const SELECTORS = {
  PodDisruptionBudget: (spec) => spec.selector?.matchLabels,
  NetworkPolicy: (spec) => spec.podSelector?.matchLabels,
  PodMonitor: (spec) => spec.selector?.matchLabels,
};

function reportLost(file, objects) {
  const deployments = objects.filter(({kind}) => kind === 'Deployment');
  const selects = (labels) => deployments.some(({spec}) => Object.entries(labels).every(
    ([name, value]) => spec.template.metadata.labels[name] === value));
  for (const object of objects) {
    const {kind, spec} = object;
    const target = kind === 'HorizontalPodAutoscaler' ? spec.scaleTargetRef : undefined;
    if (target && !deployments.some(({metadata}) => metadata.name === target.name)) {
      report(file, object, `there is no ${target.kind} ${target.name} to scale`);
    }
    const labels = SELECTORS[kind]?.(spec);
    if (!(kind in SELECTORS)) continue;
    // Without labels it would be about every Pod of the namespace.
    if (!labels || !selects(labels)) report(file, object, 'selects none, or all, of the Pods');
  }
}

const validator = createDefaultMonokleValidator();
// The others want the network.
const plugins = Object.fromEntries(
  [...PLUGINS.map((name) => [name, true]),
   ...['metadata', 'kubernetes-schema', 'open-policy-agent'].map((name) => [name, false])]);
await validator.preload({plugins, settings: {}});
// Many rules, those of `restricted` among them, are off unless they are asked for.
const rules = Object.fromEntries(PLUGINS.flatMap(
  (plugin) => validator.rules[plugin].map(({name}) => [`${plugin}/${name}`, !MEANT.has(name)])));
await validator.preload({plugins, rules, settings: {}});

const parser = new ResourceParser();
// Each file is a cluster of its own.
for (const file of process.argv.slice(2)) {
  const resources = resourcesOf(file);
  processRefs(resources, parser);
  reportLost(file, resources.map(({content}) => content));
  const {runs} = await validator.validate({resources});
  for (const {results} of runs) {
    for (const {ruleId, message, locations} of results) {
      const [kind, name] = locations.at(-1).logicalLocations?.[0]?.fullyQualifiedName
        ?.split('@')[0].split('.').reverse() ?? [];
      report(file, {kind, metadata: {name}}, `${ruleId}: ${message.text}`);
    }
  }
}
