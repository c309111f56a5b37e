// Loads from a null pointer, and returns what it got: nobody, a handler that invents a value, or nothing.
#include "guests/exceptions/fragile.h"

int main() { return static_cast<int>(fragile_load(nullptr)); }
