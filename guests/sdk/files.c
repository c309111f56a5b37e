// Files of a given folder, of /tmp, and of nowhere, through the C library and fdio.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests/sdk/claims.h"

static void list(const char* path, char* names, size_t size) {
  names[0] = 0;
  DIR* folder = opendir(path);
  if (folder == NULL) return;
  for (struct dirent* entry; (entry = readdir(folder)) != NULL;) {
    strncat(names, entry->d_name, size - strlen(names) - 1);
    strncat(names, entry->d_type == DT_DIR ? "/ " : " ", size - strlen(names) - 1);
  }
  closedir(folder);
}

int main(void) {
  char names[1000];
  list("/data", names, sizeof names);
  CLAIM("a folder is listed by name", strcmp(names, "./ folder/ hello.txt inside.txt ") == 0);
  if (strcmp(names, "./ folder/ hello.txt inside.txt ") != 0) printf("# %s\n", names);

  FILE* file = fopen("/data/hello.txt", "r");
  char line[100] = "";
  CLAIM("a file is read", file != NULL && fgets(line, sizeof line, file) != NULL && strcmp(line, "hello, file\n") == 0);
  if (file != NULL) fclose(file);
  file = fopen("/data/inside.txt", "r");
  CLAIM("a link that stays inside leads to its file", file != NULL && fgetc(file) == 'h');
  if (file != NULL) fclose(file);
  CLAIM("a link that leads outside is not there", open("/data/outside.txt", O_RDONLY) < 0 && errno == ENOENT);
  CLAIM("nothing leads out of a folder", open("/data/../../etc/passwd", O_RDONLY) < 0);
  CLAIM("a folder that was given to read is not written", open("/data/new.txt", O_RDWR | O_CREAT, 0666) < 0);
  CLAIM("nor is a file in it", open("/data/hello.txt", O_RDWR) < 0 && errno == EACCES);

  struct stat info;
  CLAIM("stat tells size and kind", stat("/data/hello.txt", &info) == 0 && info.st_size == 12 && S_ISREG(info.st_mode));
  CLAIM("and of a folder too", stat("/data/folder", &info) == 0 && S_ISDIR(info.st_mode));
  CLAIM("what is not there is not found", stat("/data/none", &info) < 0 && errno == ENOENT);

  int fd = open("/tmp/a", O_RDWR | O_CREAT | O_EXCL, 0666);
  CLAIM("a file is made in /tmp", fd >= 0);
  CLAIM("but not twice", open("/tmp/a", O_RDWR | O_CREAT | O_EXCL, 0666) < 0 && errno == EEXIST);
  CLAIM("it is written", write(fd, "0123456789", 10) == 10);
  CLAIM("seek finds the end", lseek(fd, 0, SEEK_END) == 10);
  CLAIM("and goes back", lseek(fd, -4, SEEK_CUR) == 6);
  char bytes[16] = "";
  CLAIM("what was written is read", read(fd, bytes, 16) == 4 && memcmp(bytes, "6789", 4) == 0);
  CLAIM("at any place", pread(fd, bytes, 3, 2) == 3 && memcmp(bytes, "234", 3) == 0);
  CLAIM("a hole reads as zeros", pwrite(fd, "x", 1, 20000) == 1 && pread(fd, bytes, 2, 12000) == 2 && bytes[0] == 0);
  CLAIM("it is cut", ftruncate(fd, 5) == 0 && fstat(fd, &info) == 0 && info.st_size == 5);
  CLAIM("what was cut comes back as zeros",
        ftruncate(fd, 10) == 0 && pread(fd, bytes, 10, 0) == 10 && memcmp(bytes, "01234\0\0\0\0\0", 10) == 0);
  int empty = open("/tmp/empty", O_CREAT | O_RDWR, 0666);
  CLAIM("a file is emptied as it is opened", write(empty, "old", 3) == 3 && open("/tmp/empty", O_RDWR | O_TRUNC) >= 0);
  CLAIM("and is zeros when it grows", ftruncate(empty, 3) == 0 && pread(empty, bytes, 3, 0) == 3 && bytes[0] == 0);
  close(empty);
  unlink("/tmp/empty");
  CLAIM("a second descriptor sees it", (strcpy(bytes, ""), dup(fd) >= 0));
  close(fd);
  fd = open("/tmp/a", O_WRONLY | O_APPEND);
  CLAIM("appending writes at the end", write(fd, "end", 3) == 3 && fstat(fd, &info) == 0 && info.st_size == 13);
  close(fd);

  CLAIM("a folder is made", mkdir("/tmp/d", 0777) == 0 && mkdir("/tmp/d", 0777) < 0 && errno == EEXIST);
  CLAIM("a file moves into it", rename("/tmp/a", "/tmp/d/b") == 0 && stat("/tmp/a", &info) < 0);
  CLAIM("a folder with something in it stays", rmdir("/tmp/d") < 0 && errno == ENOTEMPTY);
  list("/tmp/d", names, sizeof names);
  CLAIM("it is listed", strcmp(names, "./ b ") == 0);
  CLAIM("an open file lives on without its name",
        (fd = open("/tmp/d/b", O_RDONLY)) >= 0 && unlink("/tmp/d/b") == 0 && read(fd, bytes, 3) == 3);
  close(fd);
  CLAIM("an empty folder goes", rmdir("/tmp/d") == 0);
  CLAIM("the current folder is one", chdir("/data/folder") == 0 && getcwd(names, sizeof names) != NULL &&
                                         strcmp(names, "/data/folder") == 0 && access("deep.txt", R_OK) == 0);

  fd = open("/data/hello.txt", O_RDONLY);
  char* mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  CLAIM("a file is mapped", mapped != MAP_FAILED && memcmp(mapped, "hello, file\n", 12) == 0);
  close(fd);

  fd = open("/out/result.txt", O_WRONLY | O_CREAT | O_TRUNC, 0666);
  CLAIM("a folder given to write is written", fd >= 0 && write(fd, "written\n", 8) == 8 && close(fd) == 0);
  CLAIM("a file in it goes", unlink("/out/old.txt") == 0);
  CLAIM("folders are made in it",
        mkdir("/out/made", 0777) == 0 && (fd = open("/out/made/f", O_CREAT | O_RDWR, 0666)) >= 0);
  close(fd);
  CLAIM("nothing moves from one to another", rename("/out/result.txt", "/tmp/x") < 0);
  return claims_end();
}
