import { join } from "node:path";
import type { ApiServer } from "./api-server.ts";
import { freePort } from "./processes.ts";

/** How controllers behave. */
export interface ControllerOptions {
  /** Milliseconds between two decisions of the HorizontalPodAutoscaler controller. @default 15000, its own default */
  readonly autoscalerSyncMs?: number;
  /** Seconds an HPA without a window of its own waits before it takes replicas away. @default 300, its own default */
  readonly downscaleStabilizationSeconds?: number;
  /** Seconds a node may be silent before its pods count as lost; long where a busy machine must not lose any. @default 50, its own default */
  readonly nodeGraceSeconds?: number;
}

/** Starts the real controllers of Kubernetes: Deployments, ReplicaSets, HPA, quotas, namespaces and the rest. */
export async function startControllers(api: ApiServer, options: ControllerOptions = {}): Promise<void> {
  const port = await freePort();
  api.processes.start("kube-controller-manager", {
    command: join(api.programs, "kube-controller-manager"),
    args: [
      `--kubeconfig=${api.kubeconfig}`,
      `--authentication-kubeconfig=${api.kubeconfig}`,
      `--authorization-kubeconfig=${api.kubeconfig}`,
      `--service-account-private-key-file=${api.serviceAccountKey}`,
      "--leader-elect=false",
      `--horizontal-pod-autoscaler-sync-period=${options.autoscalerSyncMs ?? 15_000}ms`,
      `--horizontal-pod-autoscaler-downscale-stabilization=${options.downscaleStabilizationSeconds ?? 300}s`,
      `--node-monitor-grace-period=${options.nodeGraceSeconds ?? 50}s`,
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${join(api.folder, "controller-manager")}`,
    ],
  });
  await api.processes.ready("kube-controller-manager", async () => {
    const { status } = await api.send("GET", "/api/v1/namespaces/default/serviceaccounts/default");
    return status === 200;
  });
}

/** Starts the real scheduler. */
export async function startScheduler(api: ApiServer): Promise<void> {
  const port = await freePort();
  api.processes.start("kube-scheduler", {
    command: join(api.programs, "kube-scheduler"),
    args: [
      `--kubeconfig=${api.kubeconfig}`,
      `--authentication-kubeconfig=${api.kubeconfig}`,
      `--authorization-kubeconfig=${api.kubeconfig}`,
      "--leader-elect=false",
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${join(api.folder, "scheduler")}`,
    ],
  });
}
