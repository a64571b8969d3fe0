//! Imported by the configuration of the test runner: the tests need packages and namespaces.
import { ensurePackages, testPrograms } from '../../scripts/net/packages.ts'
import { ensureNamespaces } from '../../scripts/net/privilege.ts'

ensurePackages(testPrograms)
await ensureNamespaces()
