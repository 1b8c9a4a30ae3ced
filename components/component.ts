import * as pulumi from "@pulumi/pulumi";

/** Provider and ordering options every component accepts besides its arguments. */
export type ComponentOptions = pulumi.ComponentResourceOptions;

/**
 * Refuses an argument.
 * @throws pulumi.InputPropertyError naming the property, always
 */
export function refuse(propertyPath: string, reason: string): never {
  throw new pulumi.InputPropertyError({ propertyPath, reason });
}

/**
 * Options under which `dependsOn` of a component holds for everything inside it. Pulumi itself lets only the component
 * wait, not its children.
 */
function handingDown(opts: ComponentOptions | undefined): ComponentOptions | undefined {
  const dependsOn = opts?.dependsOn;
  if (dependsOn === undefined) return opts;
  return {
    ...opts,
    transformations: [
      ...(opts?.transformations ?? []),
      (child) => ({
        props: child.props,
        opts: pulumi.mergeOptions(child.opts, { dependsOn }),
      }),
    ],
  };
}

/**
 * Base of every component: type token `llmops:<module>:<Kind>` and child names that start with the component's name.
 */
export abstract class LlmopsComponent extends pulumi.ComponentResource {
  /** Logical name; the prefix of every child's name. */
  protected readonly baseName: string;

  /**
   * @param module folder of the component, for example `network`
   * @param kind class name, for example `AwsNetwork`
   * @param name logical name, unique per stack
   * @param opts Pulumi options
   */
  protected constructor(module: string, kind: string, name: string, opts?: ComponentOptions) {
    super(`llmops:${module}:${kind}`, name, {}, handingDown(opts));
    this.baseName = name;
  }

  /** Logical name of a child: `<component>-<suffix>`; never change a suffix, it is the resource's identity. */
  protected childName(suffix: string): string {
    return `${this.baseName}-${suffix}`;
  }
}

/**
 * Protection of a component for its children: `protect` and `retainOnDelete` decide per resource, so a child does not get
 * them by being a child.
 */
export function keptLike(
  opts: ComponentOptions | undefined,
): Pick<pulumi.CustomResourceOptions, "protect" | "retainOnDelete"> {
  return {
    ...(opts?.protect === undefined ? {} : { protect: opts.protect }),
    ...(opts?.retainOnDelete === undefined ? {} : { retainOnDelete: opts.retainOnDelete }),
  };
}
