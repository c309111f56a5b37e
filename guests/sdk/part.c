// A library with a constructor, variables of threads and relocations, for linked.c.
int part_variable = 1;
static __thread int total = 100;
static int* where = &part_variable;

__attribute__((constructor)) static void begin(void) { *where = 42; }

int part_add(int more) { return total += more; }
