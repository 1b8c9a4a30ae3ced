import type { Detector, Match } from "./finding.ts";
import { wordsOf } from "./words.ts";

function set(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}

interface Rule {
  readonly kind: string;
  /** One word of each set, in order, at most `reach` words from the first to the last. */
  readonly sequence: readonly ReadonlySet<string>[];
  readonly reach: number;
}

const RULES: readonly Rule[] = [
  {
    kind: "override",
    sequence: [
      set(
        "ignore disregard forget override bypass skip ignora ignorad olvida olvidad omite descarta ignorer ignorez",
      ),
      set(
        "previous prior above earlier preceding all your system anteriores previas todas tus sistema precedentes",
      ),
      set(
        "instructions instruction rules prompt prompts guidelines directives instrucciones reglas directrices",
      ),
    ],
    reach: 8,
  },
  {
    kind: "override",
    sequence: [
      set("ignora olvida omite descarta ignorez"),
      set("instrucciones reglas directrices indicaciones instructions"),
      set("anteriores previas precedentes recibidas sistema"),
    ],
    reach: 6,
  },
  {
    kind: "prompt-extraction",
    sequence: [
      set("reveal print show repeat output display leak dump muestra revela repite imprime escribe"),
      set("system hidden initial secret developer sistema oculto inicial"),
      set("prompt instructions message instrucciones mensaje"),
    ],
    reach: 8,
  },
  {
    kind: "prompt-extraction",
    sequence: [
      set("muestra revela repite imprime escribe"),
      set("prompt instrucciones mensaje"),
      set("sistema oculto inicial"),
    ],
    reach: 6,
  },
  { kind: "role-change", sequence: [set("do"), set("anything"), set("now")], reach: 3 },
  {
    kind: "role-change",
    sequence: [set("developer dan god jailbreak unrestricted"), set("mode"), set("enabled activated on")],
    reach: 4,
  },
];

const TEMPLATE_TOKENS = [
  "<|im_start|>",
  "<|im_end|>",
  "<|system|>",
  "<|assistant|>",
  "[INST]",
  "<<SYS>>",
  "<|eot_id|>",
];

function templateTokens(text: string): Match[] {
  const found: Match[] = [];
  for (const token of TEMPLATE_TOKENS) {
    for (let at = text.indexOf(token); at !== -1; at = text.indexOf(token, at + 1)) {
      found.push({ kind: "template-token", start: at, end: at + token.length });
    }
  }
  return found;
}

const SIGN = new RegExp(
  [...new Set(RULES.flatMap(({ sequence }) => [...(sequence[0] ?? [])])), ...TEMPLATE_TOKENS]
    .map((text) => text.replace(/[|[\]]/g, "\\$&"))
    .join("|"),
  "iu",
);

/**
 * Heuristics for instructions that try to replace the ones of the application (English, Spanish, some French) and for
 * chat-template tokens in content. They catch common wordings only; a classifier behind the remote guard catches more.
 */
export const injectionDetector: Detector = {
  kinds: [...new Set(RULES.map(({ kind }) => kind)), "template-token"],
  name: "injection",
  version: "1",
  maxLength: 240,
  sign: SIGN,
  find(text) {
    const words = wordsOf(text);
    const found = templateTokens(text);
    words.forEach((first, at) => {
      for (const { kind, sequence, reach } of RULES) {
        if (!sequence[0]?.has(first.text)) continue;
        let step = 1;
        let last = first;
        for (
          let next = at + 1;
          next < Math.min(words.length, at + reach) && step < sequence.length;
          next += 1
        ) {
          const word = words[next];
          if (word === undefined || !sequence[step]?.has(word.text)) continue;
          step += 1;
          last = word;
        }
        if (step === sequence.length) found.push({ kind, start: first.start, end: last.end });
      }
    });
    return found;
  },
};
