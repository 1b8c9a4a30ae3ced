let born = 0;

/** An address of the loopback network that nobody else got: a played engine has one of its own, as a pod has. */
export function engineAddress(): string {
  born += 1;
  return `127.${64 + (process.pid % 128)}.${Math.floor(born / 250)}.${1 + (born % 250)}`;
}
