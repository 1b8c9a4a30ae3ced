/** Splits a pinned image so that the chart, which joins both by a colon, writes it as it was. */
export function chartImage(image: string): { readonly repository: string; readonly tag: string } {
  const colon = image.lastIndexOf(":");
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}
