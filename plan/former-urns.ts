/** What a resource was called before: a whole URN, or what is different in it; empty means as it is now. */
export type Alias =
  | { readonly kind: "urn"; readonly urn: string }
  | {
      readonly kind: "spec";
      readonly name: string;
      readonly type: string;
      /** URN of the parent it had, `none` for a resource of the stack itself. */
      readonly parent: string;
    };

/** A parent with what it was called before. */
interface Parent {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly formerUrns: readonly string[];
}

/** A resource and its aliases. */
export interface Aliased {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly aliases: readonly Alias[];
  /** Absent for the stack. */
  readonly parent?: Parent;
}

const STACK_TYPE = "pulumi:pulumi:Stack";

/** URN of a child: the types of its parents, except the stack's, and its own. */
function childUrn(sample: string, parentUrn: string | undefined, type: string, name: string): string {
  const [scheme = "", project = ""] = sample.split("::");
  const parentType = parentUrn?.split("::")[2] ?? "";
  const prefix = parentType === "" || parentType === STACK_TYPE ? "" : `${parentType}$`;
  return `${scheme}::${project}::${prefix}${type}::${name}`;
}

/**
 * URNs under which the engine finds a resource in an older state: its own aliases, and those it inherits because a parent has some;
 * a child's name that begins with its parent's changes with it.
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/
 */
export function formerUrns({ urn, type, name, aliases, parent }: Aliased): string[] {
  const own = aliases.map((alias) => {
    if (alias.kind === "urn") return alias.urn;
    const under = alias.parent === "none" ? undefined : alias.parent === "" ? parent?.urn : alias.parent;
    return childUrn(urn, under, alias.type || type, alias.name || name);
  });
  const names = [
    { name, type },
    ...aliases.flatMap((alias) =>
      alias.kind === "spec" ? [{ name: alias.name || name, type: alias.type || type }] : [],
    ),
  ];
  const inherited =
    parent === undefined
      ? []
      : parent.formerUrns.flatMap((former) => {
          const formerName = former.split("::").at(-1) ?? "";
          return names.map((each) =>
            childUrn(
              urn,
              former,
              each.type,
              each.name.startsWith(parent.name)
                ? `${formerName}${each.name.slice(parent.name.length)}`
                : each.name,
            ),
          );
        });
  return [...new Set([...own, ...inherited])].filter((each) => each !== urn).sort();
}
