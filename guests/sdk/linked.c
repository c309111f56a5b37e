// Libraries that are asked for while the program runs.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "guests/sdk/claims.h"

int main(void) {
  void* library = dlopen("libsdk_part.so", RTLD_NOW);
  CLAIM("a library is loaded", library != NULL);
  if (library == NULL) {
    printf("# %s\n", dlerror());
    return claims_end();
  }
  int (*add)(int) = (int (*)(int))dlsym(library, "part_add");
  CLAIM("its function is found and runs", add != NULL && add(4) == 104 && add(1) == 105);
  int* variable = dlsym(library, "part_variable");
  CLAIM("its variable too", variable != NULL && *variable == 42);
  Dl_info info;
  CLAIM("an address leads back to it", dladdr((void*)add, &info) != 0 && strcmp(info.dli_sname, "part_add") == 0);
  CLAIM("a second time it is the same", dlopen("libsdk_part.so", RTLD_NOW) == library);
  CLAIM("what nobody has is not loaded", dlopen("libnobody.so", RTLD_NOW) == NULL && dlerror() != NULL);
  CLAIM("nor found", dlsym(library, "part_nothing") == NULL);
  CLAIM("it goes", dlclose(library) == 0);
  return claims_end();
}
