import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import type { Problem } from "./control.ts";
import { listed, problemAt } from "./reading.ts";

/** Alerts with the wanted labels: the objects that hold rules, and what is wrong. */
export interface FoundAlerts {
  readonly rules: readonly ResourceNode[];
  readonly problems: readonly Problem[];
}

/** Looks for an alert that carries every wanted label. */
export function alertsWith(graph: ResourceGraph, wanted: Readonly<Record<string, string>>): FoundAlerts {
  const rules = ofType(graph, "kubernetes:monitoring.coreos.com/v1:PrometheusRule");
  const text = Object.entries(wanted)
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ");
  const expected = `an alert with ${text}`;
  const unreadable = rules.filter(({ inputs }) => isUnknown(valueAt(inputs, "spec.groups")));
  const found = rules
    .flatMap(({ inputs }) => listed(valueAt(inputs, "spec.groups")))
    .flatMap((group) => listed(valueAt(group, "rules")))
    .some((rule) =>
      Object.entries(wanted).every(([name, value]) => valueAt(rule, `labels.${name}`) === value),
    );
  if (found) return { rules, problems: [] };
  const [first] = unreadable;
  return {
    rules,
    problems: [
      first === undefined
        ? problemAt(rules[0]?.urn ?? "stack", "spec.groups", "no such alert", expected)
        : problemAt(first.urn, "spec.groups", valueAt(first.inputs, "spec.groups"), expected),
    ],
  };
}

/** A receiver of an AlertmanagerConfig, by its name. */
interface Receiver {
  readonly name: GraphValue | undefined;
  /** Kinds of integration, for example `pagerdutyConfigs`. */
  readonly integrations: readonly string[];
  readonly body: GraphValue;
}

/** What is routed where. */
export interface Routing {
  readonly node: ResourceNode;
  readonly receivers: readonly Receiver[];
  /** Receivers of the routes that match a label. */
  readonly receiversOf: (label: string, value: string) => readonly Receiver[];
}

/** Routes of the platform's alerts; undefined when they go nowhere. */
export function routingOf(graph: ResourceGraph): Routing | undefined {
  const [node] = ofType(graph, "kubernetes:monitoring.coreos.com/v1alpha1:AlertmanagerConfig");
  if (node === undefined) return undefined;
  const receivers = listed(valueAt(node.inputs, "spec.receivers")).map((body): Receiver => ({
    name: valueAt(body, "name"),
    integrations: Object.entries(body as Readonly<Record<string, GraphValue>>)
      .filter(([key, value]) => key.endsWith("Configs") && listed(value).length > 0)
      .map(([key]) => key),
    body,
  }));
  const routes = listed(valueAt(node.inputs, "spec.route.routes"));
  return {
    node,
    receivers,
    receiversOf: (label, value) =>
      routes
        .filter((route) =>
          listed(valueAt(route, "matchers")).some(
            (matcher) => valueAt(matcher, "name") === label && valueAt(matcher, "value") === value,
          ),
        )
        .flatMap((route) => receivers.filter(({ name }) => name === valueAt(route, "receiver"))),
  };
}
