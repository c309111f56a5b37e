// One declaration of state for three uses: saving it, loading it, hashing it.
//
// Whoever owns guest-visible state has one member
//
//   void state(Archive& ar) { ar(field_, other_field_, list_); }
//
// and never a second list of its fields. The archive decides what a visit does. Order is the order of the call, so
// only ordered containers are accepted; a type that the compiler cannot see through (padding, pointers, floating
// point) is refused at compile time and declares its own state().
//
// What is loaded may have been damaged: no count makes us allocate more than its bytes could fill, keys come in order
// or the archive fails, and whoever has an invariant between its fields checks it after loading and calls fail().
//
// Not modelled: cyclic object graphs. The kernel writes references as koids and keeps the table (kernel/object).
// Left out: hosts that are not little-endian (saved bytes are the host's), and two things the compiler cannot show us:
// a pointer hidden inside a plain struct, and a bool there (a damaged one is neither true nor false: use uint8_t).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace jacinth {

class Archive;

static_assert(std::endian::native == std::endian::little, "saved states and page tables are little-endian");

namespace detail {

/// Types that look like plain bytes but only point at somebody else's.
template <class T>
inline constexpr bool kPointsElsewhere = std::is_pointer_v<T> || std::is_member_pointer_v<T>;
template <class T, size_t N>
inline constexpr bool kPointsElsewhere<std::span<T, N>> = true;
template <class C, class Traits>
inline constexpr bool kPointsElsewhere<std::basic_string_view<C, Traits>> = true;
template <class T>
inline constexpr bool kPointsElsewhere<std::reference_wrapper<T>> = true;
template <class T, size_t N>
inline constexpr bool kPointsElsewhere<std::array<T, N>> = kPointsElsewhere<T>;

}  // namespace detail

/// Bytes that mean the same wherever they lie: no padding, no pointers, no floating point.
template <class T>
concept Plain =
    std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T> && !detail::kPointsElsewhere<T>;

/// Declares its own state.
template <class T>
concept Stateful = requires(T& value, Archive& ar) { value.state(ar); };

class Archive {
 public:
  enum class Mode : uint8_t { kSave, kLoad, kHash };

  virtual ~Archive() = default;
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  Mode mode() const { return mode_; }
  bool loading() const { return mode_ == Mode::kLoad; }

  /// False once loading met bytes that cannot be what was saved; from then on every load yields zeroes.
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  /// Marks the archive as unusable; the first reason is kept.
  void fail(std::string_view why) {
    if (error_.empty()) error_ = why;
  }

  /// Whatever references inside the state are relative to (the kernel's object table). Owned by the caller.
  void set_context(void* context) { context_ = context; }
  void* context() const { return context_; }

  /// Visits fields in order.
  template <class... Fields>
  void operator()(Fields&... fields) {
    (visit(fields), ...);
  }

  /// Visits `size` bytes at `data`.
  virtual void bytes(void* data, size_t size) = 0;

  /// About so many bytes will follow.
  virtual void expect(size_t /*size*/) {}

  /// A count of elements. A loaded count never exceeds what the remaining bytes could hold at `min_bytes` each, so that
  /// a damaged file cannot make us allocate.
  size_t count(size_t size, size_t min_bytes = 1);

 protected:
  explicit Archive(Mode mode) : mode_(mode) {}
  /// Bytes left to load; unbounded when not loading.
  virtual size_t remaining() const { return SIZE_MAX; }

 private:
  template <class T>
  void visit(T& value) {
    if constexpr (Stateful<T>) {
      value.state(*this);
    } else if constexpr (std::same_as<T, bool>) {
      uint8_t byte = value ? 1 : 0;
      bytes(&byte, 1);
      if (loading()) value = byte != 0;
    } else {
      static_assert(Plain<T>, "give this type a state(Archive&) member");
      bytes(&value, sizeof value);
    }
  }

  void visit(std::string& text) {
    text.resize(count(text.size()));
    bytes(text.data(), text.size());
  }

  template <class T>
  void visit(std::vector<T>& list) {
    if constexpr (Plain<T> && !Stateful<T>) {
      list.resize(count(list.size(), sizeof(T)));
      bytes(list.data(), list.size() * sizeof(T));
    } else {
      visit_items(list);
    }
  }

  template <class T>
  void visit(std::deque<T>& list) {
    visit_items(list);
  }

  /// Loads one item at a time: items may be larger in memory than what saved them, so a count alone proves nothing.
  template <class List>
  void visit_items(List& list) {
    size_t size = count(list.size());
    if (!loading()) {
      for (auto& item : list) visit(item);
      return;
    }
    list.clear();
    for (size_t i = 0; i < size && ok(); ++i) visit(list.emplace_back());
  }

  template <class T, size_t N>
  void visit(std::array<T, N>& list) {
    if constexpr (Plain<T> && !Stateful<T>) {
      bytes(list.data(), N * sizeof(T));
    } else {
      for (T& item : list) visit(item);
    }
  }

  template <class T>
  void visit(std::optional<T>& value) {
    bool present = value.has_value();
    visit(present);
    if (loading()) value = present ? std::optional<T>(std::in_place) : std::nullopt;
    if (present) visit(*value);
  }

  template <class K, class V, class Less>
  void visit(std::map<K, V, Less>& map) {
    size_t size = count(map.size());
    if (!loading()) {
      for (auto& [key, value] : map) {
        K copy = key;
        visit(copy);
        visit(value);
      }
      return;
    }
    map.clear();
    for (size_t i = 0; i < size && ok(); ++i) {
      K key{};
      visit(key);
      if (!map.empty() && !map.key_comp()(map.rbegin()->first, key)) return fail("keys out of order");
      visit(map.try_emplace(map.end(), std::move(key))->second);
    }
  }

  template <class K, class Less>
  void visit(std::set<K, Less>& set) {
    size_t size = count(set.size());
    if (!loading()) {
      for (K key : set) visit(key);
      return;
    }
    set.clear();
    for (size_t i = 0; i < size && ok(); ++i) {
      K key{};
      visit(key);
      if (!set.empty() && !set.key_comp()(*set.rbegin(), key)) return fail("keys out of order");
      set.insert(set.end(), std::move(key));
    }
  }

  template <class A, class B>
  void visit(std::pair<A, B>& pair) {
    visit(pair.first);
    visit(pair.second);
  }

  Mode mode_;
  void* context_ = nullptr;
  std::string error_;
};

/// Saves into a growing buffer.
class Writer final : public Archive {
 public:
  Writer() : Archive(Mode::kSave) {}
  void bytes(void* data, size_t size) override;
  void expect(size_t size) override { data_.reserve(data_.size() + size); }
  const std::vector<std::byte>& data() const { return data_; }
  std::vector<std::byte> take() { return std::move(data_); }

 private:
  std::vector<std::byte> data_;
};

/// Loads from bytes that a Writer made, or that somebody damaged: check ok() at the end.
class Reader final : public Archive {
 public:
  explicit Reader(std::span<const std::byte> data) : Archive(Mode::kLoad), data_(data) {}
  void bytes(void* data, size_t size) override;
  bool at_end() const { return data_.empty(); }

 private:
  size_t remaining() const override { return data_.size(); }
  std::span<const std::byte> data_;
};

/// A 128-bit digest, equal exactly when the visited state is (XXH3).
struct Digest {
  uint64_t low = 0;
  uint64_t high = 0;
  constexpr auto operator<=>(const Digest&) const = default;
  /// 32 hexadecimal digits.
  std::string text() const;
};

/// Hashes what is visited.
class Hasher final : public Archive {
 public:
  Hasher();
  ~Hasher() override;
  void bytes(void* data, size_t size) override;
  void add(std::span<const std::byte> data);
  Digest digest() const;

 private:
  struct Impl;
  Impl* impl_;
};

/// The digest of one value's state.
template <class T>
Digest digest_of(T& value, void* context = nullptr) {
  Hasher hasher;
  hasher.set_context(context);
  hasher(value);
  return hasher.digest();
}

}  // namespace jacinth
