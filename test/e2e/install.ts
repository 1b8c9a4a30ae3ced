import type { TestProject } from "vitest/node";
import {
  ARGO_ROLLOUTS,
  ARGO_WORKFLOWS,
  ensureTool,
  ETCD,
  FAKE_GCS,
  INFERENCE_SIM,
  KARPENTER,
  KEDA,
  KUBERNETES,
  KWOK,
  OTELCOL,
  PULUMI,
  type GoTool,
} from "../../tools/go-tool.ts";
import { ensureNpmTool, PORTKEY, PROMPTFOO } from "../../tools/npm-tool.ts";
import {
  ensurePythonTool,
  LABEL_STUDIO,
  LITELLM,
  MLFLOW,
  MOTO,
  OPENAI_PYTHON,
  TRUEFOUNDRY,
} from "../../tools/python-tool.ts";
import { ensureDriftJob } from "./drift-job/environment.ts";

interface Needs {
  readonly go: readonly GoTool[];
  readonly packages: Readonly<Record<string, () => Promise<string>>>;
}

/** What the suites of each group start. */
const NEEDS: Readonly<Record<string, Needs>> = {
  waiting: {
    go: [ETCD, KUBERNETES, KWOK, KEDA, KARPENTER, ARGO_ROLLOUTS, ARGO_WORKFLOWS, FAKE_GCS],
    packages: {
      MLflow: () => ensurePythonTool(MLFLOW),
      "Label Studio": () => ensurePythonTool(LABEL_STUDIO),
      moto: () => ensurePythonTool(MOTO),
    },
  },
  quiet: { go: [ETCD, KUBERNETES, KWOK, KEDA, INFERENCE_SIM], packages: {} },
  computing: {
    go: [PULUMI, OTELCOL, INFERENCE_SIM],
    packages: {
      "the drift job": ensureDriftJob,
      LiteLLM: () => ensurePythonTool(LITELLM),
      TrueFoundry: () => ensurePythonTool(TRUEFOUNDRY),
      "OpenAI's client": () => ensurePythonTool(OPENAI_PYTHON),
      Portkey: () => ensureNpmTool(PORTKEY),
      promptfoo: () => ensureNpmTool(PROMPTFOO),
    },
  },
};

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function build(tools: readonly GoTool[]): Promise<void> {
  for (const tool of tools) await ensureTool(tool, say);
}

async function install(packages: Needs["packages"]): Promise<void> {
  for (const [name, ensure] of Object.entries(packages)) {
    const started = performance.now();
    await ensure();
    const seconds = Math.round((performance.now() - started) / 1000);
    if (seconds > 0) say(`installed ${name} in ${seconds} s`);
  }
}

/**
 * Makes what a group's suites start before the first of them does: a build beside a suite would take the time the suite is about.
 * What is installed waits for the network while Go compiles.
 * @throws ToolError when something can be neither built nor installed
 */
export default async function prepare({ name }: TestProject): Promise<void> {
  const needs = NEEDS[name];
  if (needs === undefined) throw new Error(`no list of what the group ${name} starts`);
  await Promise.all([build(needs.go), install(needs.packages)]);
}
