import * as pulumi from "@pulumi/pulumi";
import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";
import { statefulKindOf } from "../graph/stateful.ts";
import { fromWire } from "../graph/wire.ts";
import { withBriefTraces } from "./brief-traces.ts";
import { CALLED_FOR_EFFECT } from "./called-for-effect.ts";
import { COMPUTED_WITHIN } from "./computed-within.ts";
import { formerUrns, type Alias } from "./former-urns.ts";

/** Type of the root of every graph. */
const STACK_TYPE = "pulumi:pulumi:Stack";

/** A program to run without an engine. */
export interface CaptureRequest {
  /** Pulumi stack name. */
  readonly stack: string;
  /** Creates the resources; called once the mock engine is in place. */
  readonly program: () => unknown;
}

/** An alias as the engine gets it. */
interface AliasMessage {
  getUrn(): string;
  getSpec():
    { getName(): string; getType(): string; getParenturn(): string; getNoparent(): boolean } | undefined;
}

/** The part of a registration request that the graph keeps. */
interface Registration {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getProvider(): string;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDependenciesList(): string[];
  getIgnorechangesList(): string[];
  getAliasesList(): AliasMessage[];
  getPropertydependenciesMap(): {
    forEach(visit: (value: { getUrnsList(): string[] }, key: string) => void): void;
  };
  getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
}

type Respond = (error: Error | null, response: { getUrn(): string } | undefined) => void;

/** Settles every registration in flight; part of the runtime, missing in its typings. */
const waitForRpcs = (pulumi.runtime as unknown as { waitForRPCs: () => Promise<void> }).waitForRPCs;

interface CapturingMonitor {
  registerResource(request: Registration, respond: Respond): Promise<void>;
}

/**
 * Outputs a cloud certainly returns because they repeat an input: names given by us come back as `name`/`id`-like
 * outputs. Everything else stays unknown, as in a first preview.
 */
function certainOutputs(args: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  if (args.custom === false) return {};
  const inputs = args.inputs as Record<string, unknown>;
  const within = COMPUTED_WITHIN[args.type];
  if (within === undefined) return { ...inputs };
  const repeated = inputs[within.input] as Record<string, unknown> | undefined;
  return { ...inputs, [within.input]: { ...repeated, [within.field]: pulumi.runtime.unknownValue } };
}

function aliasOf(message: AliasMessage): Alias {
  const spec = message.getSpec();
  if (spec === undefined) return { kind: "urn", urn: message.getUrn() };
  return {
    kind: "spec",
    name: spec.getName(),
    type: spec.getType(),
    ...(spec.getNoparent() ? { parent: "none" } : { parent: spec.getParenturn() }),
  };
}

function toNode(urn: string, request: Registration): ResourceNode {
  const propertyDependencies: [string, string[]][] = [];
  request.getPropertydependenciesMap().forEach((value, key) => {
    if (value.getUrnsList().length > 0) propertyDependencies.push([key, [...value.getUrnsList()].sort()]);
  });
  const parent = request.getParent();
  const provider = request.getProvider().split("::").slice(0, 4).join("::");
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    ...(parent === "" ? {} : { parent }),
    custom: request.getCustom(),
    inputs: fromWire(request.getObject()?.toJavaScript() ?? {}) as ResourceNode["inputs"],
    dependencies: [...new Set(request.getDependenciesList())].sort(),
    propertyDependencies: Object.fromEntries(propertyDependencies.sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(provider === "" ? {} : { provider }),
    options: {
      protect: request.getProtect(),
      retainOnDelete: request.getRetainondelete(),
      ignoreChanges: [...request.getIgnorechangesList()],
    },
  };
}

/** Qualified type of a URN: the types of its parents and its own, joined by `$`. */
function qualifiedType(urn: string): string {
  return urn.split("::")[2] ?? "";
}

/**
 * Gives nodes the URNs the real engine gives them. The mock engine names a resource after its direct parent only; the
 * engine after all its parents except the stack, so two resources the mocks confuse may be different ones.
 */
function withEngineUrns(
  nodes: ReadonlyMap<string, ResourceNode>,
  aliases: ReadonlyMap<string, readonly Alias[]>,
): ResourceNode[] {
  const known = new Map<string, string>();
  const engineUrn = (mockUrn: string): string => {
    const node = nodes.get(mockUrn);
    if (node === undefined) return mockUrn;
    const found = known.get(mockUrn);
    if (found !== undefined) return found;
    const parent = node.parent === undefined ? undefined : nodes.get(node.parent);
    const prefix =
      parent === undefined || parent.type === STACK_TYPE ? "" : `${qualifiedType(engineUrn(parent.urn))}$`;
    const [scheme = "", project = ""] = mockUrn.split("::");
    const urn = `${scheme}::${project}::${prefix}${node.type}::${node.name}`;
    known.set(mockUrn, urn);
    return urn;
  };
  const former = (mockUrn: string): readonly string[] => {
    const node = nodes.get(mockUrn);
    if (node === undefined) return [];
    const parent = node.parent === undefined ? undefined : nodes.get(node.parent);
    return formerUrns({
      urn: engineUrn(node.urn),
      type: node.type,
      name: node.name,
      aliases: (aliases.get(mockUrn) ?? []).map((alias) =>
        alias.kind === "spec" && alias.parent !== "none" && alias.parent !== ""
          ? { ...alias, parent: engineUrn(alias.parent) }
          : alias,
      ),
      ...(parent === undefined
        ? {}
        : {
            parent: {
              urn: engineUrn(parent.urn),
              type: parent.type,
              name: parent.name,
              formerUrns: former(parent.urn),
            },
          }),
    });
  };
  return [...nodes.values()].map((node) => {
    const before = statefulKindOf(node.type) === undefined ? [] : former(node.urn);
    return {
      ...node,
      urn: engineUrn(node.urn),
      ...(before.length === 0 ? {} : { formerUrns: before }),
      ...(node.parent === undefined ? {} : { parent: engineUrn(node.parent) }),
      ...(node.provider === undefined ? {} : { provider: engineUrn(node.provider) }),
      dependencies: node.dependencies.map(engineUrn).sort(),
      propertyDependencies: Object.fromEntries(
        Object.entries(node.propertyDependencies).map(([key, urns]) => [key, urns.map(engineUrn).sort()]),
      ),
    };
  });
}

/**
 * Runs a Pulumi program under mocks in preview mode and returns what it registered.
 * No credentials, no network, no state. Unknown outputs stay unknown; secrets are dropped.
 * Not re-entrant: the Pulumi runtime is one per process, so await one capture before the next.
 * @throws the first error of the program, and an error when two resources share a URN.
 */
export async function capture(request: CaptureRequest): Promise<ResourceGraph> {
  const project = "llmops";
  const failures: Error[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => ({ id: undefined, state: certainOutputs(args) }),
      call: ({ token }) => {
        if (CALLED_FOR_EFFECT.has(token)) return {};
        // The runtime passes on that a call failed, and not why.
        const failure = new Error(
          `${token}: the program asks the cloud for data, so it cannot be planned offline`,
        );
        failures.push(failure);
        throw failure;
      },
    },
    project,
    request.stack,
    true,
  );
  const nodes = new Map<string, ResourceNode>();
  const aliases = new Map<string, readonly Alias[]>();
  const monitor = pulumi.runtime.getMonitor() as unknown as CapturingMonitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (registration, respond) =>
    register(registration, (error, response) => {
      if (response !== undefined) {
        const node = toNode(response.getUrn(), registration);
        if (nodes.has(node.urn)) failures.push(new Error(`duplicate resource ${node.urn}`));
        nodes.set(node.urn, node);
        aliases.set(node.urn, registration.getAliasesList().map(aliasOf));
      }
      respond(error, response);
    });
  await withBriefTraces(async () => {
    await pulumi.runtime.runInPulumiStack(async () => {
      try {
        await request.program();
      } catch (error) {
        failures.push(error instanceof Error ? error : new Error(String(error)));
      }
      return {};
    });
    await waitForRpcs();
  });
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return {
    project,
    stack: request.stack,
    nodes: withEngineUrns(nodes, aliases).sort((a, b) => (a.urn < b.urn ? -1 : 1)),
  };
}
