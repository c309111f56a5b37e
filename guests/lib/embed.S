/* An executable inside another: EMBED_NAME and EMBED_FILE come from the command line. */
#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)

  .section .rodata.child, "a", %progbits
  .balign 4096
  .globl JOIN(child_, EMBED_NAME, _begin)
  .globl JOIN(child_, EMBED_NAME, _end)
  .hidden JOIN(child_, EMBED_NAME, _begin)
  .hidden JOIN(child_, EMBED_NAME, _end)
JOIN(child_, EMBED_NAME, _begin):
  .incbin EMBED_FILE
JOIN(child_, EMBED_NAME, _end):

  .section .note.GNU-stack, "", %progbits
