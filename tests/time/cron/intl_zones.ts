/** The zones for which V8's data says the same as the program's, so that `Intl` can be the authority. */

/**
 * Those for which it does not: most by what Debian's data says of the time before 1970; Bogota,
 * Tehran and Tijuana in the seventies to nineties; Casablanca, El_Aaiun, Edmonton, Inuvik, Havana,
 * Vancouver, Winnipeg and Chisinau since V8's data was made.
 */
const DIFFERENT: Record<string, string> = {
  Africa:
    "Accra Addis_Ababa Asmera Bamako Bangui Banjul Blantyre Brazzaville Bujumbura Casablanca Conakry Dakar Dar_es_Salaam Djibouti Douala El_Aaiun Freetown Gaborone Harare Kampala Kigali Kinshasa Libreville Lome Luanda Lubumbashi Lusaka Malabo Maseru Mbabane Mogadishu Niamey Nouakchott Ouagadougou Porto-Novo",
  America:
    "Anguilla Antigua Araguaina Aruba Bahia Belem Blanc-Sablon Boa_Vista Bogota Campo_Grande Cayman Coral_Harbour Creston Cuiaba Curacao Dominica Edmonton Eirunepe Fortaleza Grenada Guadeloupe Havana Inuvik Kralendijk Lower_Princes Maceio Manaus Marigot Montserrat Nassau Noronha Port_of_Spain Porto_Velho Recife Rio_Branco Santarem Sao_Paulo St_Barthelemy St_Kitts St_Lucia St_Thomas St_Vincent Tijuana Tortola Vancouver Winnipeg",
  Antarctica: "DumontDUrville McMurdo Syowa",
  Arctic: "Longyearbyen",
  Asia: "Aden Bahrain Brunei Kuala_Lumpur Kuwait Muscat Phnom_Penh Tehran Vientiane",
  Atlantic: "Reykjavik St_Helena",
  Europe:
    "Amsterdam Chisinau Copenhagen Dublin Guernsey Jersey Ljubljana Luxembourg Monaco Oslo Sarajevo Skopje Stockholm Zagreb",
  Indian: "Antananarivo Christmas Cocos Comoro Kerguelen Mahe Mayotte Reunion",
  Pacific: "Funafuti Majuro Midway Ponape Saipan Truk Wake Wallis",
};

/** Returns their names. */
export function intlZones(): string[] {
  return Intl.supportedValuesOf("timeZone").filter((zone) => {
    const [area = "", ...place] = zone.split("/");
    return !(DIFFERENT[area] ?? "").split(" ").includes(place.join("/"));
  });
}
