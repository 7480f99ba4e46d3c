/** The first argument of a program that is to run expansion functions, and do nothing else. */
export const EXPANSION_HOST_ARGUMENT = "--expansion-host";
