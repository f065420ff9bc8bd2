// The objects of manifest files, and how findings about them are printed.
import fs from 'node:fs';
import {parseAllDocuments} from 'yaml';

/** The objects of one file. Twice the same key in a mapping is an error, as kubectl has it. */
export function objectsOf(file) {
  const documents = parseAllDocuments(fs.readFileSync(file, 'utf8'), {uniqueKeys: true});
  return documents.filter((document) => document.contents !== null).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0].message}`);
    return document.toJS();
  });
}

// Versions that no supported Kubernetes serves any more (kubernetes.io: deprecation guide).
const GONE = [
  /^extensions\//, /^apps\/v1beta/, /^policy\/v1beta/, /^autoscaling\/v2beta/, /^batch\/v1beta/,
  /^networking\.k8s\.io\/v1beta/, /^rbac\.authorization\.k8s\.io\/v1beta/,
];

/** Whether a cluster of today has such an object. */
export function isServed({apiVersion}) {
  return !GONE.some((pattern) => pattern.test(apiVersion));
}

/** `kubernetes-models/apps/v1/Deployment`, or the package with the resources of an operator. */
export function modelOf({apiVersion, kind}) {
  const isOperators = apiVersion.startsWith('monitoring.coreos.com/');
  const library = isOperators ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models';
  return `${library}/${apiVersion}/${kind}`;
}

/** One finding a line, as JSON. `object` is such as `Service/chatgate`. */
export function report(file, object, text) {
  console.log(JSON.stringify({file, object: `${object.kind}/${object.metadata?.name}`, text}));
}
