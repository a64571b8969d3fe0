//! End-to-end tests: real daemons and phones in network namespaces, one file at a time.
import './prepare.ts'

export default {
  files: ['test/e2e/**/*.test.ts'],
  extensions: ['ts'],
  // One lab at a time: figures of two labs on one machine would disturb each other.
  concurrency: 1,
  serial: true,
  // Threads do not get signals, and a lab must be removed on Ctrl-C.
  workerThreads: false,
  timeout: '3m',
}
