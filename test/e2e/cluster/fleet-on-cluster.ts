import { setTimeout } from "node:timers/promises";
import { GATEWAY_NAMESPACE } from "../../../components/gateway/address.ts";
import { GPU_POOL_LABEL } from "../../../components/gpu/gpu-pool.ts";
import { planStack } from "../../../plan/stack-plan.ts";
import type { PlatformConfig } from "../../../stacks/schema/platform.ts";
import { define, startApiServer, type ApiServer } from "./api-server.ts";
import { ClusterDns } from "./cluster-dns.ts";
import { COMPRESSION, compressScaledObject, realMs } from "./compression.ts";
import { startControllers, startScheduler } from "./control-plane.ts";
import { definitionsOf, DEFINITION_SOURCES } from "./custom-resources.ts";
import { Engines, type EngineSpeed, type ServedModel } from "./engines.ts";
import { startGatewayProcess, type GatewayProcess } from "./gateway-process.ts";
import { startKeda } from "./keda.ts";
import type { KubeObject } from "./kube-object.ts";
import { addNode, gpuNode, startKubelets } from "./nodes.ts";
import { startPrometheus, type Prometheus } from "./prometheus.ts";
import { objectsOf } from "./stack-objects.ts";

/** Seconds of the scenario between two scrapes, as the PodMonitors say, and between two decisions of the HPA controller. */
const SCRAPE_SECONDS = 5;
const SYNC_SECONDS = 15;
/** Seconds of the scenario an HPA looks back before it takes replicas away, unless its scaler says otherwise. */
const DOWNSCALE_SECONDS = 300;

/** A second scaler on the same load, for comparison. */
export interface Rival {
  readonly name: string;
  /** The `spec` of its ScaledObject, without its target. */
  readonly spec: object;
}

/** What the cluster runs. */
export interface FleetOnClusterArgs {
  readonly stack: string;
  readonly config: PlatformConfig;
  readonly speed: EngineSpeed;
  /** Seconds of the scenario until a new pod serves. */
  readonly startSeconds: number;
  readonly holdSeconds: number;
  readonly nodes: number;
  readonly rival: (scope: ServedModel) => Rival;
}

/** A stack's model on real Kubernetes, KEDA, Prometheus and gateway, its pods played by inference simulators. */
export interface FleetOnCluster {
  readonly api: ApiServer;
  readonly prometheus: Prometheus;
  readonly gateway: GatewayProcess;
  readonly ours: ServedModel;
  readonly theirs: ServedModel;
  readonly engines: Engines;
  /** Replicas a model's Deployment asks for now. */
  wanted(model: ServedModel): Promise<number>;
  /** Pods of a model by the node they run on. */
  nodesOf(model: ServedModel): Promise<string[]>;
  close(): Promise<void>;
}

/** The same workload under another name, so that two scalers can be compared on the same load. */
function renamed(object: KubeObject, from: string, to: string): KubeObject {
  const text = JSON.stringify(object)
    .replaceAll(`"name":"${from}"`, `"name":"${to}"`)
    .replaceAll(`"llmops.io/model":"${from}"`, `"llmops.io/model":"${to}"`);
  return JSON.parse(text) as KubeObject;
}

/**
 * Starts everything and applies every object of the stack.
 * @throws Error when a part does not become ready; what was started is stopped
 */
export async function startFleetOnCluster(args: FleetOnClusterArgs): Promise<FleetOnCluster> {
  const [model] = args.config.models;
  if (model === undefined) throw new RangeError("the configuration has no model");
  const ours = { name: model.name, namespace: model.tenant };
  const theirs = { name: "rival", namespace: model.tenant };
  const objects = objectsOf((await planStack(args.stack, args.config)).plan.graph);
  const api = await startApiServer();
  const dns = await ClusterDns.start();
  const all: Engines[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(all.map((engines) => engines.close()));
    dns.close();
    await api.close();
  };
  try {
    await startControllers(api, {
      autoscalerSyncMs: (SYNC_SECONDS * 1000) / COMPRESSION,
      downscaleStabilizationSeconds: DOWNSCALE_SECONDS / COMPRESSION,
    });
    await startScheduler(api);
    await startKubelets(api);
    await define(api, DEFINITION_SOURCES.flatMap(definitionsOf));
    await startKeda(api);
    const prometheus = await startPrometheus(
      api.processes,
      api.folder,
      Math.round((SCRAPE_SECONDS * 1000) / COMPRESSION),
    );
    for (let index = 0; index < args.nodes; index += 1)
      await addNode(
        api,
        gpuNode({
          name: `gpu-${index}`,
          labels: { [GPU_POOL_LABEL]: model.gpu.pool },
          gpus: 1,
          cpus: 8,
          memoryGiB: 32,
        }),
      );
    let gatewayAddress = "";
    const scrape = (): void => {
      const gatewayTarget = {
        address: gatewayAddress,
        labels: { namespace: GATEWAY_NAMESPACE, pod: "gateway-0" },
      };
      prometheus.scrape([
        ...(gatewayAddress === "" ? [] : [gatewayTarget]),
        ...all.flatMap((engines) => engines.targets()),
      ]);
    };
    const engine = {
      speed: args.speed,
      startMs: realMs(args.startSeconds),
      preStopMs: realMs(model.delivery.preStopSeconds),
      onChange: scrape,
    };
    for (const served of [ours, theirs])
      all.push(await Engines.follow(api, dns, { model: served, ...engine }));
    const [engines, rivals] = all as [Engines, Engines];
    const gateway = await startGatewayProcess(api.processes, api.folder, dns, [
      { name: ours.name, url: engines.url, holdSeconds: args.holdSeconds },
      { name: theirs.name, url: rivals.url, holdSeconds: args.holdSeconds },
    ]);
    gatewayAddress = new URL(gateway.url).host;
    scrape();
    await applyAll(api, objects, { ours, theirs, prometheus: prometheus.url, rival: args.rival(theirs) });
    // A Deployment begins with one replica, and would keep it for a cooldown.
    const scale = `/apis/apps/v1/namespaces/${ours.namespace}/deployments/${ours.name}/scale`;
    await api.send("PATCH", scale, { spec: { replicas: 0 } });
    const wanted: FleetOnCluster["wanted"] = async ({ name, namespace }) => {
      const { body } = await api.send("GET", `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
      return (body["spec"] as { replicas: number }).replicas;
    };
    return {
      api,
      prometheus,
      gateway,
      ours,
      theirs,
      engines,
      wanted,
      nodesOf: async ({ name, namespace }) => {
        const selector = encodeURIComponent(`llmops.io/model=${name}`);
        const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`;
        const { body } = await api.send("GET", path);
        return (body["items"] as { spec: { nodeName?: string } }[]).flatMap(
          ({ spec }) => spec.nodeName ?? [],
        );
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Deployed {
  readonly ours: ServedModel;
  readonly theirs: ServedModel;
  readonly prometheus: string;
  readonly rival: Rival;
}

async function applyAll(api: ApiServer, objects: readonly KubeObject[], deployed: Deployed): Promise<void> {
  const { ours, theirs, prometheus, rival } = deployed;
  for (const object of objects)
    await api.mustApply(object.kind === "ScaledObject" ? compressScaledObject(object, prometheus) : object);
  const find = (kind: string): KubeObject => {
    const found = objects.find((object) => object.kind === kind && object.metadata.name === ours.name);
    if (found === undefined) throw new Error(`no ${kind} ${ours.name}`);
    return found;
  };
  await api.mustApply(renamed(find("Deployment"), ours.name, theirs.name));
  const scaler = find("ScaledObject");
  await api.mustApply(
    compressScaledObject(
      {
        ...scaler,
        metadata: { ...scaler.metadata, name: theirs.name },
        spec: { scaleTargetRef: { name: theirs.name }, ...withServer(rival.spec) },
      },
      prometheus,
    ),
  );
}

/** Peers leave the address of Prometheus to the installer. */
function withServer(spec: object): object {
  const { triggers = [], ...rest } = spec as { triggers?: { metadata: object }[] };
  return {
    ...rest,
    triggers: triggers.map((trigger) => ({
      ...trigger,
      metadata: { serverAddress: "", ...trigger.metadata },
    })),
  };
}

/**
 * Waits until a number holds.
 * @throws Error with the last value when it does not within the time
 */
export async function until(
  what: string,
  read: () => Promise<number>,
  holds: (value: number) => boolean,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return;
    if (Date.now() > deadline) throw new Error(`${what}: still ${value} after ${withinMs / 1000} s`);
    await setTimeout(250);
  }
}
