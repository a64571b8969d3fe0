//! Words of the site file that have a meaning for the core.

/** Services that a telephone asks for by dialling, with their usual digits: the site may change or switch
 * off each of them. `number`: another number follows the digits; `maybe`: it may be left out. */
export const featureCodes = {
  /** Takes a call that rings in the own pick-up group, or at the telephone with that number. */
  pickup: { digits: '*8', number: false },
  pickupOf: { digits: '**', number: true },
  forwardAlways: { digits: '*72', number: true },
  forwardAlwaysOff: { digits: '*73', number: false },
  forwardBusy: { digits: '*90', number: true },
  forwardBusyOff: { digits: '*91', number: false },
  forwardNoAnswer: { digits: '*52', number: true },
  forwardNoAnswerOff: { digits: '*53', number: false },
  forwardNotRegistered: { digits: '*54', number: true },
  forwardNotRegisteredOff: { digits: '*55', number: false },
  /** All four. */
  forwardOff: { digits: '*70', number: false },
  doNotDisturb: { digits: '*78', number: false },
  doNotDisturbOff: { digits: '*79', number: false },
  /** Rings when the number that was busy is free. Without a number: the one that was busy last. */
  callBack: { digits: '*66', number: 'maybe' },
  /** Without a number: all of them. */
  callBackOff: { digits: '*86', number: 'maybe' },
  intrude: { digits: '*37', number: true },
  forceRelease: { digits: '*38', number: true },
  /** A call with `Priority: emergency`, and with `urgent`. */
  emergencyCall: { digits: '*39', number: true },
  urgentCall: { digits: '*36', number: true },
  /** Opens the speaker of the number without a ring: the hot line of a key (ED-137 sheet 5.2, 5.4). */
  instantAccess: { digits: '*34', number: true },
  /** Hears the conversation of the number. */
  monitor: { digits: '*35', number: true },
  /** Dialled in a conference, these two pairs by its owner: nobody else gets in; the others are not heard. */
  conferenceLock: { digits: '*41', number: false },
  conferenceLockOff: { digits: '*42', number: false },
  conferenceMuteAll: { digits: '*43', number: false },
  conferenceMuteAllOff: { digits: '*44', number: false },
  /** ... and by any member: he is not heard himself. */
  conferenceMute: { digits: '*45', number: false },
  conferenceMuteOff: { digits: '*46', number: false },
} as const

export type FeatureName = keyof typeof featureCodes
export const featureNames = Object.keys(featureCodes) as readonly FeatureName[]

/** Whose tones the switch plays; `europe`: those of an ED-137 system (`ed137.md` 5.13). */
export const toneCountries = [
  'europe',
  'austria',
  'china',
  'czechia',
  'france',
  'germany',
  'italy',
  'spain',
  'switzerland',
  'uk',
  'usa',
] as const
export type ToneCountry = (typeof toneCountries)[number]

/** Why the next trunk of a route is tried: 5xx; no answer at all; the probes say that it is away; it has
 * no free line. */
export const failOvers = ['5xx', 'no-answer', 'lost', 'capacity'] as const
export type FailOver = (typeof failOvers)[number]
