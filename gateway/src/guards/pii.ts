import type { Detector, Match } from "./finding.ts";

const CONTROL_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";
const CIF_LETTERS = "JABCDEFGHI";

// IBAN lengths by country, SWIFT IBAN registry (https://www.swift.com/standards/data-standards/iban), as known 2026-11.
const IBAN_LENGTHS: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BR: 29,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  DO: 28,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MT: 31,
  MU: 30,
  NL: 18,
  NO: 15,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  SA: 24,
  SC: 31,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
};

const DNI = /(?<![A-Za-z\d])\d(?:[ .-]?\d){7}[ .-]{0,2}[A-Za-z](?![A-Za-z\d])/g;
const NIE = /(?<![A-Za-z\d])[XYZxyz][ .-]?\d(?:[ .-]?\d){6}[ .-]{0,2}[A-Za-z](?![A-Za-z\d])/g;
const CIF =
  /(?<![A-Za-z\d])[ABCDEFGHJNPQRSUVWabcdefghjnpqrsuvw][ .-]?\d(?:[ .-]?\d){6}[ .-]?[\dA-Ja-j](?![A-Za-z\d])/g;
const IBAN = /(?<![A-Za-z\d])[A-Za-z]{2}[ -]?\d[ -]?\d(?:[ -]?[A-Za-z\d]){11,30}/g;
const CARD = /(?<!\d)\d(?:[ -]?\d){12,18}/g;
const PHONE_INTERNATIONAL = /(?<![A-Za-z\d])(?:\+|00)[1-9](?:[ .()-]{0,2}\d){7,13}(?!\d)/g;
const PHONE_SPAIN = /(?<![A-Za-z\d+])[6789]\d(?:[ .-]?\d){7}(?![A-Za-z\d])/g;

function compact(text: string): string {
  return text.replace(/[^A-Za-z\d]/g, "").toUpperCase();
}

function controlLetter(digits: string): string | undefined {
  return CONTROL_LETTERS[Number(digits) % 23];
}

function isDni(text: string): boolean {
  const value = compact(text);
  return controlLetter(value.slice(0, 8)) === value[8];
}

function isNie(text: string): boolean {
  const value = compact(text);
  const lead = "XYZ".indexOf(value.slice(0, 1));
  return controlLetter(`${lead}${value.slice(1, 8)}`) === value[8];
}

function isCif(text: string): boolean {
  const value = compact(text);
  let sum = 0;
  for (let at = 1; at <= 7; at += 1) {
    const digit = Number(value[at]) * (at % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  const control = (10 - (sum % 10)) % 10;
  return value[8] === String(control) || value[8] === CIF_LETTERS[control];
}

function mod97(iban: string): number {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

/** End of the first `count` letters and digits of a text, or null when it has fewer. */
function endOf(text: string, count: number): number | null {
  let seen = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (/[A-Za-z\d]/.test(text[at] as string)) seen += 1;
    if (seen === count) return at + 1;
  }
  return null;
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]) * (at % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

function findIbans(text: string): Match[] {
  const found: Match[] = [];
  for (const match of text.matchAll(IBAN)) {
    const length = IBAN_LENGTHS[match[0].slice(0, 2).toUpperCase()];
    const end = length === undefined ? null : endOf(match[0], length);
    if (end === null || mod97(compact(match[0].slice(0, end))) !== 1) continue;
    found.push({ kind: "iban", start: match.index, end: match.index + end });
  }
  return found;
}

function findCards(text: string): Match[] {
  const found: Match[] = [];
  for (const match of text.matchAll(CARD)) {
    const digits = compact(match[0]);
    if (!/^[2-6]/.test(digits) || /^(\d)\1+$/.test(digits)) continue;
    for (let length = digits.length; length >= 13; length -= 1) {
      if (!luhn(digits.slice(0, length))) continue;
      const end = endOf(match[0], length) ?? match[0].length;
      found.push({ kind: "card", start: match.index, end: match.index + end });
      break;
    }
  }
  return found;
}

const LOCAL = /[\p{L}\d._%+'-]/u;
const HOST = /^[\p{L}\d](?:[\p{L}\d.-]{0,251}[\p{L}\d])?/u;

function findEmails(text: string): Match[] {
  const found: Match[] = [];
  for (let at = text.indexOf("@"); at !== -1; at = text.indexOf("@", at + 1)) {
    let start = at;
    while (start > 0 && at - start < 64 && LOCAL.test(text[start - 1] as string)) start -= 1;
    const host = HOST.exec(text.slice(at + 1, at + 254))?.[0] ?? "";
    if (start === at || !/\.\p{L}{2,24}$/u.test(host)) continue;
    found.push({ kind: "email", start, end: at + 1 + host.length });
  }
  return found;
}

function findBy(kind: string, pattern: RegExp, valid: (text: string) => boolean): (text: string) => Match[] {
  return (text) => {
    const found: Match[] = [];
    for (const match of text.matchAll(pattern)) {
      if (valid(match[0])) found.push({ kind, start: match.index, end: match.index + match[0].length });
    }
    return found;
  };
}

// Every number below has at least seven digits with at most two other characters between two of them.
const NUMBER = /\d(?:[ .()-]{0,2}\d){6}/;
const NUMBERS: readonly ((text: string) => Match[])[] = [
  findBy("dni", DNI, isDni),
  findBy("nie", NIE, isNie),
  findBy("cif", CIF, isCif),
  findCards,
  findBy("phone", PHONE_INTERNATIONAL, () => true),
  findBy("phone", PHONE_SPAIN, () => true),
];

/** Personal data with a checkable form: DNI, NIE, NIF/CIF, IBAN, payment card, e-mail address, telephone number. */
export const piiDetector: Detector = {
  kinds: ["dni", "nie", "cif", "iban", "card", "phone", "email"],
  name: "pii",
  version: "1",
  maxLength: 320,
  sign: /\d|@/,
  find(text) {
    const numbers = NUMBER.test(text) ? NUMBERS.flatMap((find) => find(text)) : [];
    return [...numbers, ...findIbans(text), ...findEmails(text)];
  },
};
