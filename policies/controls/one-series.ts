import { parser } from "@prometheus-io/lezer-promql";
import type { SyntaxNode } from "@lezer/common";

/** Aggregations that keep as many series as they are told to. */
const MANY = new Set(["topk", "bottomk", "limitk", "limit_ratio", "count_values"]);

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

function isOne(node: SyntaxNode | null | undefined, text: (node: SyntaxNode) => string): boolean {
  if (node === null || node === undefined) return false;
  switch (node.name) {
    case "NumberDurationLiteral":
      return true;
    case "ParenExpr":
    case "UnaryExpr":
      return isOne(node.lastChild?.name === ")" ? node.lastChild.prevSibling : node.lastChild, text);
    case "AggregateExpr": {
      const operator = node.getChild("AggregateOp");
      return operator !== null && !MANY.has(text(operator)) && node.getChild("AggregateModifier") === null;
    }
    case "BinaryExpr": {
      const parts = children(node);
      return parts.length === 3 && isOne(parts[0], text) && isOne(parts[2], text);
    }
    case "SubqueryExpr":
      return isOne(node.firstChild, text);
    case "FunctionCall": {
      const name = node.getChild("FunctionIdentifier");
      if (name !== null && ["vector", "scalar", "time"].includes(text(name))) return true;
      // Every other function keeps the series of what it takes: an instant vector, a selector's range or a subquery.
      return isOne(node.getChild("FunctionCallBody")?.firstChild, text);
    }
    default:
      return false;
  }
}

/**
 * Whether a query can return one series only, however many pods export what it reads: a sum or another aggregation over all
 * labels, or arithmetic of such. What cannot be told counts as several, and so does a text that is no PromQL.
 */
export function returnsOneSeries(query: string): boolean {
  const tree = parser.parse(query);
  const broken: number[] = [];
  tree.iterate({
    enter: ({ type, from }) => {
      if (type.isError) broken.push(from);
    },
  });
  const text = ({ from, to }: SyntaxNode): string => query.slice(from, to);
  return broken.length === 0 && isOne(tree.topNode.firstChild, text);
}
