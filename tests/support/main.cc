// The entry of the unit tests; Catch is compiled here and nowhere else.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

// libdw 0.188 forgets some memory of files that it found to be damaged. What it leaks is not ours to mend. The
// sanitizer's runtime asks for this name.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libdw.so\n"; }
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
