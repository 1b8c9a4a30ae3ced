import * as pulumi from "@pulumi/pulumi";
import resources from "@pulumi/pulumi/proto/resource_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isRecord, isSecret, isUnknown, type GraphValue } from "../../graph/values.ts";
import { UNKNOWN_WIRE } from "../../graph/wire.ts";

/** The part of a registration that a change can touch. */
interface Registration {
  getType(): string;
  getName(): string;
  getParent(): string;
  setParent(urn: string): void;
  getObject(): Struct | undefined;
  setObject(object: Struct): void;
  setProtect(protect: boolean): void;
  getDependenciesList(): string[];
  setDependenciesList(urns: string[]): void;
  getPropertydependenciesMap(): {
    forEach(
      visit: (value: { getUrnsList(): string[]; setUrnsList(urns: string[]): void }, key: string) => void,
    ): void;
    del(key: string): void;
  };
}

type Respond = (error: Error | null, response: unknown) => void;

interface Monitor {
  registerResource(request: Registration, respond: Respond): unknown;
  registerResourceOutputs(request: { getUrn(): string }, respond: Respond): unknown;
}

/** A value as the engine takes it; secrets have no plain text in a graph, so none may be changed. */
function toWire(value: GraphValue): JavaScriptValue {
  if (isUnknown(value)) return UNKNOWN_WIRE;
  if (isSecret(value)) throw new Error("a changed resource holds a secret");
  if (Array.isArray(value)) return (value as readonly GraphValue[]).map(toWire);
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toWire(item)]));
  return value as JavaScriptValue;
}

function keyOf(node: Pick<ResourceNode, "type" | "name">): string {
  return `${node.type} ${node.name}`;
}

/**
 * Makes the program that runs in this runtime register the resources of `changed` instead of those of `graph`: resources that
 * are gone are never sent to the engine, and changed ones are sent changed. Call it before the first resource.
 */
export function registerChanged(graph: ResourceGraph, changed: ResourceGraph): void {
  const after = new Map(changed.nodes.map((node) => [keyOf(node), node]));
  const touched = new Map(
    graph.nodes
      .filter((node) => after.get(keyOf(node)) !== node)
      .map((node) => [keyOf(node), after.get(keyOf(node))] as const),
  );
  const gone = new Set<string>();
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  const complete = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResourceOutputs = (request, respond) => {
    if (!gone.has(request.getUrn())) return complete(request, respond);
    respond(null, new empty.Empty());
    return undefined;
  };
  const kept = (urns: readonly string[]): string[] => urns.filter((urn) => !gone.has(urn));
  monitor.registerResource = (request, respond) => {
    const key = `${request.getType()} ${request.getName()}`;
    if (gone.has(request.getParent())) request.setParent("");
    request.setDependenciesList(kept(request.getDependenciesList()));
    request.getPropertydependenciesMap().forEach((value) => {
      value.setUrnsList(kept(value.getUrnsList()));
    });
    if (!touched.has(key)) return register(request, respond);
    const node = touched.get(key);
    if (node === undefined) {
      const urn = `urn:pulumi:gone::gone::${request.getType()}::${request.getName()}`;
      gone.add(urn);
      const response = new resources.RegisterResourceResponse();
      response.setUrn(urn);
      response.setObject(request.getObject());
      respond(null, response);
      return undefined;
    }
    request.setObject(struct.Struct.fromJavaScript(toWire(node.inputs) as Record<string, JavaScriptValue>));
    request.setProtect(node.options.protect);
    const dependencies = request.getPropertydependenciesMap();
    const keys: string[] = [];
    dependencies.forEach((_value, property) => keys.push(property));
    for (const property of keys)
      if ((node.propertyDependencies[property] ?? []).length === 0) dependencies.del(property);
    dependencies.forEach((value, property) => {
      value.setUrnsList([...(node.propertyDependencies[property] ?? [])]);
    });
    return register(request, respond);
  };
}
