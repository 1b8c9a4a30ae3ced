import {
  ARGO_ROLLOUTS,
  ARGO_WORKFLOWS,
  ensureTool,
  ETCD,
  KEDA,
  KUBERNETES,
  KWOK,
} from "../../../tools/go-tool.ts";

/** Builds what clusters start before the first suite does: a build beside a suite would take the time the suite is about. */
export default async function buildClusterTools(): Promise<void> {
  for (const tool of [ETCD, KUBERNETES, KWOK, KEDA, ARGO_ROLLOUTS, ARGO_WORKFLOWS])
    await ensureTool(tool, (text) => process.stderr.write(`${text}\n`));
}
