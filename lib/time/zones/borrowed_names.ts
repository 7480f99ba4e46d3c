/**
 * Names of time zones that are not of the IANA's: Windows', abbreviations, offsets.
 *
 * @module
 */

/** What a name is elsewhere, and the IANA zone that it most often means. */
export interface BorrowedZone {
  readonly what: string;
  readonly zone?: string;
}

/** Windows' zones without their "Standard Time", by CLDR's windowsZones.xml for the whole world. */
export const WINDOWS = table(`
  Afghanistan=Asia/Kabul, Alaskan=America/Anchorage, Aleutian=America/Adak, Altai=Asia/Barnaul,
  Arab=Asia/Riyadh, Arabian=Asia/Dubai, Arabic=Asia/Baghdad,
  Argentina=America/Argentina/Buenos_Aires, Astrakhan=Europe/Astrakhan, Atlantic=America/Halifax,
  Aus Central W.=Australia/Eucla, AUS Central=Australia/Darwin, AUS Eastern=Australia/Sydney,
  Azerbaijan=Asia/Baku, Azores=Atlantic/Azores, Bahia=America/Bahia, Bangladesh=Asia/Dhaka,
  Belarus=Europe/Minsk, Bougainville=Pacific/Bougainville, Canada Central=America/Regina,
  Cape Verde=Atlantic/Cape_Verde, Caucasus=Asia/Yerevan, Cen. Australia=Australia/Adelaide,
  Central (Mexico)=America/Mexico_City, Central America=America/Guatemala, Central Asia=Asia/Almaty,
  Central Brazilian=America/Cuiaba, Central Europe=Europe/Budapest, Central European=Europe/Warsaw,
  Central Pacific=Pacific/Guadalcanal, Central=America/Chicago, Chatham Islands=Pacific/Chatham,
  China=Asia/Shanghai, Coordinated Universal=UTC, Cuba=America/Havana, Dateline=Etc/GMT+12,
  E. Africa=Africa/Nairobi, E. Australia=Australia/Brisbane, E. Europe=Europe/Chisinau,
  E. South America=America/Sao_Paulo, Easter Island=Pacific/Easter, Eastern (Mexico)=America/Cancun,
  Eastern=America/New_York, Egypt=Africa/Cairo, Ekaterinburg=Asia/Yekaterinburg, Fiji=Pacific/Fiji,
  FLE=Europe/Kyiv, Georgian=Asia/Tbilisi, GMT=Europe/London, Greenland=America/Nuuk,
  Greenwich=Atlantic/Reykjavik, GTB=Europe/Bucharest, Haiti=America/Port-au-Prince,
  Hawaiian=Pacific/Honolulu, India=Asia/Kolkata, Iran=Asia/Tehran, Israel=Asia/Jerusalem,
  Jordan=Asia/Amman, Kaliningrad=Europe/Kaliningrad, Korea=Asia/Seoul, Libya=Africa/Tripoli,
  Line Islands=Pacific/Kiritimati, Lord Howe=Australia/Lord_Howe, Magadan=Asia/Magadan,
  Magallanes=America/Punta_Arenas, Marquesas=Pacific/Marquesas, Mauritius=Indian/Mauritius,
  Middle East=Asia/Beirut, Montevideo=America/Montevideo, Morocco=Africa/Casablanca,
  Mountain (Mexico)=America/Mazatlan, Mountain=America/Denver, Myanmar=Asia/Yangon,
  N. Central Asia=Asia/Novosibirsk, Namibia=Africa/Windhoek, Nepal=Asia/Kathmandu,
  New Zealand=Pacific/Auckland, Newfoundland=America/St_Johns, Norfolk=Pacific/Norfolk,
  North Asia East=Asia/Irkutsk, North Asia=Asia/Krasnoyarsk, North Korea=Asia/Pyongyang,
  Omsk=Asia/Omsk, Pacific (Mexico)=America/Tijuana, Pacific SA=America/Santiago,
  Pacific=America/Los_Angeles, Pakistan=Asia/Karachi, Paraguay=America/Asuncion,
  Qyzylorda=Asia/Qyzylorda, Romance=Europe/Paris, Russian=Europe/Moscow, SA Eastern=America/Cayenne,
  SA Pacific=America/Bogota, SA Western=America/La_Paz, Saint Pierre=America/Miquelon,
  Sakhalin=Asia/Sakhalin, Samoa=Pacific/Apia, Sao Tome=Africa/Sao_Tome, Saratov=Europe/Saratov,
  SE Asia=Asia/Bangkok, Singapore=Asia/Singapore, South Africa=Africa/Johannesburg,
  South Sudan=Africa/Juba, Sri Lanka=Asia/Colombo, Sudan=Africa/Khartoum, Syria=Asia/Damascus,
  Taipei=Asia/Taipei, Tasmania=Australia/Hobart, Tocantins=America/Araguaina, Tokyo=Asia/Tokyo,
  Tomsk=Asia/Tomsk, Tonga=Pacific/Tongatapu, Transbaikal=Asia/Chita, Turkey=Europe/Istanbul,
  Turks and Caicos=America/Grand_Turk, Ulaanbaatar=Asia/Ulaanbaatar,
  US Eastern=America/Indiana/Indianapolis, US Mountain=America/Phoenix, Venezuela=America/Caracas,
  Vladivostok=Asia/Vladivostok, Volgograd=Europe/Volgograd, W. Australia=Australia/Perth,
  W. Central Africa=Africa/Lagos, W. Europe=Europe/Berlin, W. Mongolia=Asia/Hovd,
  West Asia=Asia/Tashkent, West Bank=Asia/Hebron, West Pacific=Pacific/Port_Moresby,
  Yakutsk=Asia/Yakutsk, Yukon=America/Whitehorse`);

/** Abbreviations that the IANA has no zone of; some have several meanings. */
export const ABBREVIATIONS = table(`
  PST=America/Los_Angeles, PDT=America/Los_Angeles, PT=America/Los_Angeles, MDT=America/Denver,
  MT=America/Denver, CST=America/Chicago, CDT=America/Chicago, CT=America/Chicago,
  EDT=America/New_York, ET=America/New_York, AST=America/Halifax, ADT=America/Halifax,
  NST=America/St_Johns, NDT=America/St_Johns, AKST=America/Anchorage, AKDT=America/Anchorage,
  BRT=America/Sao_Paulo, ART=America/Argentina/Buenos_Aires, BST=Europe/London, WEST=Europe/Lisbon,
  CEST=Europe/Berlin, MEZ=Europe/Berlin, MESZ=Europe/Berlin, EEST=Europe/Athens, MSK=Europe/Moscow,
  TRT=Europe/Istanbul, SAST=Africa/Johannesburg, CAT=Africa/Maputo, EAT=Africa/Nairobi,
  GST=Asia/Dubai, PKT=Asia/Karachi, IST=Asia/Kolkata, ICT=Asia/Bangkok, WIB=Asia/Jakarta,
  SGT=Asia/Singapore, HKT=Asia/Hong_Kong, JST=Asia/Tokyo, KST=Asia/Seoul, AWST=Australia/Perth,
  ACST=Australia/Adelaide, ACDT=Australia/Adelaide, AEST=Australia/Sydney, AEDT=Australia/Sydney,
  NZST=Pacific/Auckland, NZDT=Pacific/Auckland, Z=UTC`);

function table(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(",").map((pair) => {
      const [name, zone] = pair.trim().split("=");
      return [name!.toLowerCase(), zone!];
    }),
  );
}

/** Returns what `name` is elsewhere, in any case. Undefined for what is known nowhere. */
export function borrowedZone(name: string): BorrowedZone | undefined {
  const plain = name.trim().toLowerCase();
  const abbreviated = ABBREVIATIONS.get(plain);
  if (abbreviated !== undefined) return { what: "an abbreviation", zone: abbreviated };
  if (/^(?:local(?:time)?|system|default|auto)$/.test(plain)) {
    return { what: "the machine's own zone, which is not asked for" };
  }
  const [, sign, hours, minutes = "0"] =
    /^(?:utc|gmt)? ?([+-]) ?(\d{1,2})(?::?(\d\d))?$/.exec(plain) ?? [];
  if (hours !== undefined) {
    const zone = `Etc/GMT${sign === "+" ? "-" : "+"}${Number(hours)}`;
    const most = sign === "+" ? 14 : 12; // as Etc has them, whose signs are the other way round
    const isWhole = Number(minutes) === 0 && Number(hours) <= most && Number(hours) > 0;
    return {
      what: "an offset, which has no daylight saving time" + (isWhole ? ` (that is ${zone})` : ""),
    };
  }
  // "Eastern Standard Time", "(UTC-05:00) Eastern Time (US & Canada)"
  const [, windows, country = ""] =
    /^(?:\([^()]*\) ?)?([a-z. ]+?) (?:standard |daylight |summer )?time( \([^()]*\))?$/.exec(
      plain,
    ) ??
      [];
  const zone = WINDOWS.get(windows + country) ?? WINDOWS.get(windows ?? "");
  return zone === undefined ? undefined : { what: "a name of Windows", zone };
}
