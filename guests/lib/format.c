/* printf's formatting, without floating point (see print.h for what there is). */
#include <stdbool.h>

#include "guests/lib/memory.h"
#include "guests/lib/print.h"

struct Output {
  char* buffer;
  size_t size;
  size_t length;
};

struct Field {
  bool left, zero, plus, space, alternate;
  int width;
  int precision; /* -1: none given */
};

static void put(struct Output* out, char c) {
  if (out->length + 1 < out->size) out->buffer[out->length] = c;
  ++out->length;
}

static void pad(struct Output* out, char c, int count) {
  for (; count > 0; --count) put(out, c);
}

static void put_text(struct Output* out, const struct Field* field, const char* text) {
  int length = 0;
  while ((field->precision < 0 || length < field->precision) && text[length] != '\0') ++length;
  if (!field->left) pad(out, ' ', field->width - length);
  for (int i = 0; i < length; ++i) put(out, text[i]);
  if (field->left) pad(out, ' ', field->width - length);
}

static void put_number(struct Output* out, const struct Field* field, uint64_t value, unsigned base, bool upper,
                       const char* prefix) {
  char digits[24];
  int count = 0;
  for (; value != 0; value /= base) digits[count++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];

  int wanted = field->precision < 0 ? 1 : field->precision; /* "%.0d" of 0 is nothing at all */
  const int prefix_length = (int)strlen(prefix);
  if (field->zero && !field->left && field->precision < 0 && field->width - prefix_length > wanted) {
    wanted = field->width - prefix_length;
  }
  const int shown = count > wanted ? count : wanted;
  if (!field->left) pad(out, ' ', field->width - prefix_length - shown);
  for (const char* c = prefix; *c != '\0'; ++c) put(out, *c);
  pad(out, '0', shown - count);
  while (count > 0) put(out, digits[--count]);
  if (field->left) pad(out, ' ', field->width - prefix_length - shown);
}

static bool read_flag(struct Field* field, char c) {
  switch (c) {
    case '-': return field->left = true;
    case '0': return field->zero = true;
    case '+': return field->plus = true;
    case ' ': return field->space = true;
    case '#': return field->alternate = true;
    default: return false;
  }
}

static const char* read_count(const char* at, int* count) {
  for (*count = 0; *at >= '0' && *at <= '9'; ++at) *count = *count * 10 + (*at - '0');
  return at;
}

size_t format_arguments(char* buffer, size_t size, const char* format, va_list list) {
  struct Output out = {buffer, size, 0};
  va_list arguments;
  va_copy(arguments, list);
  for (const char* at = format; *at != '\0'; ++at) {
    if (*at != '%') {
      put(&out, *at);
      continue;
    }
    struct Field field = {.precision = -1};
    ++at;
    while (read_flag(&field, *at)) ++at;
    if (*at == '*') {
      field.width = va_arg(arguments, int);
      if (field.width < 0) field.left = true, field.width = -field.width;
      ++at;
    } else {
      at = read_count(at, &field.width);
    }
    if (*at == '.') {
      ++at;
      if (*at == '*') {
        field.precision = va_arg(arguments, int);
        ++at;
      } else {
        at = read_count(at, &field.precision);
      }
    }
    int bytes = 4;
    for (; *at == 'h'; ++at) bytes /= 2;
    for (; *at == 'l' || *at == 'z' || *at == 't' || *at == 'j'; ++at) bytes = 8;

    const uint64_t mask = bytes == 8 ? ~0ull : (1ull << bytes * 8) - 1;
    switch (*at) {
      case 'd':
      case 'i': {
        int64_t value = bytes == 8 ? va_arg(arguments, int64_t) : va_arg(arguments, int);
        if (bytes == 1) value = (int8_t)value;
        if (bytes == 2) value = (int16_t)value;
        const uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        put_number(&out, &field, magnitude, 10, false, value < 0 ? "-" : field.plus ? "+" : field.space ? " " : "");
        break;
      }
      case 'u':
      case 'x':
      case 'X': {
        const uint64_t value = (bytes == 8 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned)) & mask;
        const bool prefix = field.alternate && value != 0 && *at != 'u';
        put_number(&out, &field, value, *at == 'u' ? 10 : 16, *at == 'X', !prefix ? "" : *at == 'X' ? "0X" : "0x");
        break;
      }
      case 'p': put_number(&out, &field, (uintptr_t)va_arg(arguments, void*), 16, false, "0x"); break;
      case 'c': {
        const char text[2] = {(char)va_arg(arguments, int), '\0'};
        if (text[0] == '\0')
          put(&out, '\0');
        else
          put_text(&out, &field, text);
        break;
      }
      case 's': {
        const char* text = va_arg(arguments, const char*);
        put_text(&out, &field, text != NULL ? text : "(null)");
        break;
      }
      case '%': put(&out, '%'); break;
      case '\0': --at; break; /* A lone '%' at the end. */
      default: put(&out, '%'), put(&out, *at); break;
    }
  }
  va_end(arguments);
  if (size > 0) buffer[out.length < size ? out.length : size - 1] = '\0';
  return out.length;
}

size_t format_text(char* buffer, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t length = format_arguments(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}
