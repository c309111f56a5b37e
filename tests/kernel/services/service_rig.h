// A kernel with services whose host is a table, and requests to them as a program would send them.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "kernel/services/services.h"
#include "tests/support/fake_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {

struct FakeHost final : ServiceHost {
  static std::vector<std::byte> bytes(std::string_view text) {
    auto all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
  }
  const std::vector<std::byte>* library(std::string_view name) override {
    asked.emplace_back(name);
    auto found = libraries.find(std::string(name));
    return found != libraries.end() ? &found->second : nullptr;
  }
  void output(unsigned descriptor, std::string_view text) override { written[descriptor] += text; }
  std::string_view input(uint64_t index) override {
    return index < pieces.size() ? std::string_view(pieces[index]) : std::string_view();
  }
  bool has_input_ready() override { return ready; }
  const std::vector<HostEntry>& folder(unsigned) override { return entries; }
  const std::vector<std::byte>* file(unsigned, std::string_view path) override {
    asked.emplace_back(path);
    auto found = files.find(std::string(path));
    return found != files.end() ? &found->second : nullptr;
  }

  std::map<std::string, std::vector<std::byte>> libraries;
  std::map<std::string, std::vector<std::byte>> files;
  std::vector<HostEntry> entries;
  std::map<unsigned, std::string> written;
  std::vector<std::string> pieces;
  bool ready = true;
  std::vector<std::string> asked;  // What the host was asked for, in this order.
};

struct ServiceRig {
  ServiceRig() : platform(Arch::kArm64), kernel(platform, {}), services(kernel, &host) {}
  ~ServiceRig() { ends.clear(); }

  /// Keeps a handle as a program would, and gives its object.
  template <class T>
  Ref<T> hold(Result<HandleOwner> handle) {
    REQUIRE(handle.has_value());
    Ref<T> object = ref_cast<T>(handle->object());
    REQUIRE(object);
    ends.push_back(std::move(*handle));
    kernel.settle();
    return object;
  }
  /// Sends a message, and settles: what was answered is in the channel now.
  void send(Channel& channel, Message message) {
    bool written = channel.write(channel.owner(), std::move(message)).has_value();
    REQUIRE(written);
    kernel.settle();
  }
  void send(Channel& channel, FidlWriter& writer) { send(channel, writer.take()); }
  /// The answer; an empty message when there is none.
  Message answer(Channel& channel) {
    if (!channel.oldest(channel.owner())) return {};
    return channel.take_oldest();
  }
  template <class T>
  static T field(const Message& message, size_t offset) {
    T value{};
    REQUIRE(message.size() >= offset + sizeof value);
    std::memcpy(&value, message.bytes().data() + offset, sizeof value);
    return value;
  }
  static int32_t status(const Message& message) { return field<int32_t>(message, 16); }

  FakeHost host;
  FakePlatform platform;
  Kernel kernel;
  Services services;
  std::vector<HandleOwner> ends;
};

}  // namespace jacinth::kernel
