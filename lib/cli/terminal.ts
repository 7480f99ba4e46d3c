/** Whether what reads our output takes more than ASCII, by the locale; where none is set, it does. */
export function isUnicodeTerminal(): boolean {
  const locale = Deno.env.get("LC_ALL") || Deno.env.get("LANG") || "";
  return locale === "" || /utf-?8/i.test(locale);
}
