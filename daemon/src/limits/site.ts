//! How much a site may have: accounts, calls, groups, conferences, trunks.
export const siteLimits = {
  legsMax: 4_096,
  sessionsMax: 4_096,
  usersMax: 10_000,
  positionsMax: 1_000,
  phoneBookMax: 20_000,
  membersPerSessionMax: 128,
  /** Contacts that one account may have registered at the same time. */
  contactsMax: 5,
  /** Branches of one INVITE beside its first: contacts, and telephones that answer as well. */
  forksMax: 12,
  /** Until the contacts with the next q are called. */
  forkTurnMs: 15_000,
  /** Calls that wait at one account. */
  waitingCallsMax: 32,
  noAnswerSecondsMax: 300,
  trunkClassesMax: 16,
  groupsMax: 256,
  conferencesMax: 256,
  trunksMax: 128,
  routesMax: 512,
  trunksPerRouteMax: 8,
  /** Ways that a call which goes out may try. */
  waysMax: 64,
  /** Max-Forwards of a call that goes out: between two systems that send calls to each other for ever, it
   * ends after so many turns. */
  trunkHopsMax: 12,
  /** Rules of one kind that a trunk has for numbers. */
  numberRulesMax: 64,
} as const
