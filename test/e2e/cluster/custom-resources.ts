import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { LLM_D_ROUTER } from "../../../plan/targets/llm-d.ts";
import { ensureGoModule, type GoModule } from "../../../tools/go-module.ts";
import { ARGO_ROLLOUTS_FILES } from "./argo-rollouts.ts";
import { ARGO_WORKFLOWS_FILES } from "./argo-workflows.ts";
import type { KubeObject } from "./kube-object.ts";

/** Where a project keeps the definitions of its resources. */
interface DefinitionSource extends GoModule {
  /** Folder of the module with the definitions. */
  readonly folder: string;
  /** Which files of the folder. @default all YAML files */
  readonly files?: RegExp;
}

/** A definition, as far as it says of which kind it is. */
interface Definition extends KubeObject {
  readonly spec: { readonly group: string; readonly names: { readonly kind: string } };
}

/** The definitions the shipped stacks and their charts need, at the versions the charts pin where the module has them. */
export const DEFINITION_SOURCES: readonly DefinitionSource[] = [
  {
    module: "github.com/kedacore/keda/v2",
    version: "v2.20.2",
    sum: "h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA=",
    folder: "config/crd/bases",
  },
  {
    module: "github.com/prometheus-operator/prometheus-operator",
    version: "v0.85.0",
    sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
    folder: "example/prometheus-operator-crd",
  },
  {
    module: "github.com/aws/karpenter-provider-aws",
    version: "v1.14.1",
    sum: "h1:WGtIQTQcxpElYMdWfWuPwaF2+9muR+hYhPZsTtoY8Gs=",
    folder: "pkg/apis/crds",
    files: /^karpenter/,
  },
  { ...ARGO_ROLLOUTS_FILES, folder: "manifests/crds", files: /-crd\.yaml$/ },
  { ...ARGO_WORKFLOWS_FILES, folder: "manifests/base/crds/minimal", files: /^argoproj/ },
  {
    module: "sigs.k8s.io/gateway-api",
    version: "v1.6.3",
    sum: "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
    folder: "config/crd/standard",
    files: /^gateway\.networking\.k8s\.io_(?!vap)/,
  },
  {
    module: "github.com/cert-manager/cert-manager",
    version: "v1.21.1",
    sum: "h1:0LttV37Q5c2CBNoHkjuI8sLKTXWZDC2SwQkxrBMKV9w=",
    folder: "deploy/crds",
  },
];

/**
 * Definitions of some modules, and of those the files that match: a suite that needs few kinds starts in a third of the time.
 * @throws RangeError for a module that is no source
 */
export function definitionsFrom(modules: Readonly<Record<string, RegExp>>): KubeObject[] {
  return Object.entries(modules).flatMap(([module, wanted]) => {
    const source = DEFINITION_SOURCES.find((each) => each.module === module);
    if (source === undefined) throw new RangeError(`no definitions are read from ${module}`);
    return definitionsOf({ ...source, files: wanted });
  });
}

/** What no stack deploys and `llmops export` writes for: KServe's InferenceService, and the InferencePool of llm-d's router. */
const TARGET_DEFINITIONS: readonly DefinitionSource[] = [
  {
    module: "github.com/kserve/kserve",
    version: "v0.20.0",
    sum: "h1:Bs7HxmGV4KFqqptDcWseKv+mwD4YOYHJWcuVgPG2Gug=",
    folder: "config/crd/full",
    files: /_inferenceservices\.yaml$/,
  },
  {
    module: "sigs.k8s.io/gateway-api-inference-extension",
    version: LLM_D_ROUTER.inferenceExtension,
    sum: "h1:w9Awt60cmI1vM7Y6N81h8wDCBP0WkmxpdI7GKY0v070=",
    folder: "config/crd/bases",
    files: /^inference\.networking\.k8s\.io_/,
  },
];

/** Texts of one project's definitions, read from its module. */
function textsOf({ folder, files = /\.ya?ml$/, ...module }: DefinitionSource): string[] {
  const root = join(ensureGoModule(module), folder);
  return readdirSync(root)
    .filter((name) => /\.ya?ml$/.test(name) && files.test(name))
    .map((name) => readFileSync(join(root, name), "utf8"));
}

function definitionsIn(text: string): Definition[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Definition | null)
    .filter((object): object is Definition => object?.kind === "CustomResourceDefinition");
}

/** Definitions of one project, read from its module. */
export function definitionsOf(source: DefinitionSource): KubeObject[] {
  return textsOf(source).flatMap(definitionsIn);
}

/** Definitions of the kinds that objects are of, as far as a source has them: the server takes half a second for each. */
export function definitionsFor(objects: readonly KubeObject[]): KubeObject[] {
  const wanted = new Set(objects.map(({ apiVersion, kind }) => `${apiVersion.split("/")[0] ?? ""} ${kind}`));
  // Reading a text as YAML takes longest, so those that do not even name a kind are left out before.
  const named = new RegExp(`^ +kind: (${[...new Set(objects.map(({ kind }) => kind))].join("|")})$`, "m");
  return [...DEFINITION_SOURCES, ...TARGET_DEFINITIONS]
    .flatMap(textsOf)
    .filter((text) => named.test(text))
    .flatMap(definitionsIn)
    .filter(({ spec }) => wanted.has(`${spec.group} ${spec.names.kind}`));
}
