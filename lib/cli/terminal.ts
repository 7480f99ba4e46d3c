/** Reports whether the terminal shows more than ASCII, by the locale; true where none is set. */
export function isUnicodeTerminal(): boolean {
  const locale = Deno.env.get("LC_ALL") || Deno.env.get("LANG") || "";
  return locale === "" || /utf-?8/i.test(locale);
}
