import { mkdirSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { ensureTool, KEDA } from "../../../tools/go-tool.ts";
import type { ApiServer } from "./api-server.ts";
import { createCertificate } from "./certificates.ts";
import { freePort } from "./processes.ts";

const NAMESPACE = "keda";
const METRICS = "v1beta1.external.metrics.k8s.io";

/**
 * Starts KEDA's operator and its metrics adapter, and registers the adapter with the API server, which reaches it through an
 * ExternalName of the loopback interface. KEDA's definitions must be there.
 * @throws Error with the last output when the metrics API does not become available
 */
export async function startKeda(api: ApiServer): Promise<void> {
  const bin = join(await ensureTool(KEDA, (text) => process.stderr.write(`${text}\n`)), "bin");
  const certificates = join(api.folder, "keda");
  mkdirSync(certificates);
  const { certificate, key } = createCertificate(api.folder, "keda");
  copyFileSync(join(api.folder, "ca.crt"), join(certificates, "ca.crt"));
  copyFileSync(certificate, join(certificates, "tls.crt"));
  copyFileSync(key, join(certificates, "tls.key"));
  const [grpc, metrics, health, adapter] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  await api.mustApply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  const env = {
    ...process.env,
    KUBECONFIG: api.kubeconfig,
    KEDA_CLUSTER_OBJECT_NAMESPACE: NAMESPACE,
    POD_NAMESPACE: NAMESPACE,
    WATCH_NAMESPACE: "",
  };
  api.processes.start("keda-operator", {
    command: join(bin, "operator"),
    args: [
      `--cert-dir=${certificates}`,
      `--ca-dir=${certificates}`,
      "--enable-cert-rotation=false",
      "--leader-elect=false",
      `--metrics-service-bind-address=127.0.0.1:${grpc}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
    ],
    env,
    cwd: api.folder,
  });
  await api.processes.ready("keda-operator", async () => {
    const { status } = await fetch(`http://127.0.0.1:${health}/readyz`);
    return status === 200;
  });
  api.processes.start("keda-adapter", {
    command: join(bin, "adapter"),
    args: [
      `--kubeconfig=${api.kubeconfig}`,
      `--lister-kubeconfig=${api.kubeconfig}`,
      `--authentication-kubeconfig=${api.kubeconfig}`,
      `--authorization-kubeconfig=${api.kubeconfig}`,
      `--secure-port=${adapter}`,
      "--bind-address=127.0.0.1",
      `--tls-cert-file=${certificate}`,
      `--tls-private-key-file=${key}`,
      `--metrics-service-address=localhost:${grpc}`,
      `--cert-dir=${certificates}`,
    ],
    env,
    cwd: api.folder,
  });
  await api.mustApply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "keda-metrics-apiserver", namespace: NAMESPACE },
    spec: { type: "ExternalName", externalName: "localhost", ports: [{ name: "https", port: adapter }] },
  });
  await api.mustApply({
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: METRICS },
    spec: {
      group: "external.metrics.k8s.io",
      version: "v1beta1",
      service: { name: "keda-metrics-apiserver", namespace: NAMESPACE, port: adapter },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  });
  await api.processes.ready("keda-adapter", async () => {
    const { status } = await api.send("GET", "/apis/external.metrics.k8s.io/v1beta1");
    return status === 200;
  });
}
