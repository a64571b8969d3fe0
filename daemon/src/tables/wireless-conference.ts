//! Table 5, wireless conference list (无线会议列表, S1.85): the same fields as table 3.
export {
  type Conference as WirelessConference,
  conferenceSchema as wirelessConferenceSchema,
} from './wired-conference.ts'
