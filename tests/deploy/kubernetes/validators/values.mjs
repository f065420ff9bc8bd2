// Quantities, ports, enumerations and formats, by the JSON schemas of Kubernetes' own API.
// usage: node values.mjs FILE...
import {createRequire} from 'node:module';
import {modelOf, objectsOf, report} from './manifests.mjs';

const require = createRequire(import.meta.url);

for (const file of process.argv.slice(2)) {
  for (const object of objectsOf(file)) {
    let models;
    try {
      models = require(modelOf(object));
    } catch {
      report(file, object, `there is no ${object.kind} in ${object.apiVersion}`);
      continue;
    }
    try {
      new models[object.kind](object).validate();
    } catch (error) {
      report(file, object, error.message.split('\n').slice(0, 3).join(' | '));
    }
  }
}
