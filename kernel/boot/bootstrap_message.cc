#include "kernel/boot/bootstrap_message.h"

#include <cstring>

#include "kernel/abi/channel.h"

namespace jacinth::kernel {
namespace {

uint64_t table_size(std::span<const std::string> strings) {
  uint64_t size = 0;
  for (const std::string& text : strings) size += text.size() + 1;
  return size;
}

}  // namespace

void BootstrapMessage::add_handle(uint32_t info, HandleOwner handle) {
  infos_.push_back(info);
  handles_.push_back(std::move(handle));
}

uint64_t BootstrapMessage::size() const {
  return sizeof(abi::ProcArgs) + infos_.size() * sizeof(uint32_t) + table_size(arguments_) + table_size(environment_) +
         table_size(names_);
}

Result<Message> BootstrapMessage::take() {
  if (size() > abi::kChannelMaxMsgBytes || handles_.size() > abi::kChannelMaxMsgHandles) return Status::kOutOfRange;
  abi::ProcArgs header;
  header.handle_info_off = sizeof header;
  header.args_off = static_cast<uint32_t>(header.handle_info_off + infos_.size() * sizeof(uint32_t));
  header.args_num = static_cast<uint32_t>(arguments_.size());
  header.environ_off = static_cast<uint32_t>(header.args_off + table_size(arguments_));
  header.environ_num = static_cast<uint32_t>(environment_.size());
  if (!names_.empty()) header.names_off = static_cast<uint32_t>(header.environ_off + table_size(environment_));
  header.names_num = static_cast<uint32_t>(names_.size());

  Message message(static_cast<uint32_t>(size()));
  std::byte* at = message.bytes().data();
  auto put = [&at](const void* bytes, size_t count) {
    if (count > 0) std::memcpy(at, bytes, count);
    at += count;
  };
  put(&header, sizeof header);
  put(infos_.data(), infos_.size() * sizeof(uint32_t));
  for (auto table : {arguments_, environment_, names_}) {
    for (const std::string& text : table) put(text.c_str(), text.size() + 1);
  }
  message.handles = std::move(handles_);
  return message;
}

}  // namespace jacinth::kernel
