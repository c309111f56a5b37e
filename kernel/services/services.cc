#include "kernel/services/services.h"

#include <algorithm>

#include "kernel/services/connection.h"
#include "kernel/services/loader.h"
#include "kernel/services/process_launcher.h"
#include "kernel/services/stdio.h"
#include "kernel/time/clock.h"

namespace jacinth::kernel {
namespace {

/// Holds its end of a channel until the program lets go of the other.
class Held final : public ChannelEndpoint {
 public:
  Held(Services& services, Ref<Channel> channel) : ChannelEndpoint(services, Kind::kHeld, std::move(channel)) {}
  explicit Held(Services& services) : ChannelEndpoint(services, Kind::kHeld) {}

 private:
  bool request(const FidlHeader&, Message&) override { return true; }
};

/// Programs look at the wall clock; setting it is for its keeper.
constexpr Rights kUtcRights = Rights::kBasic | Rights::kRead;

constexpr Rights kChannelRights = abi::default_rights(ObjectType::kChannel);

}  // namespace

// --- endpoints ---

Endpoint::Endpoint(Services& services, Kind kind) : services_(services), kind_(kind), watch_(*this) {}

void Endpoint::Watch::on_signals(Signals, Signals) { endpoint_.services_.ready(endpoint_); }

void Endpoint::watch(Object& object) { object.observers().add(object, watch_, 0); }

void Endpoint::state(Archive& ar) { watch_.state_link(ar); }

void Endpoint::let_go() { watch_.unlink(); }

ChannelEndpoint::ChannelEndpoint(Services& services, Kind kind, Ref<Channel> channel)
    : Endpoint(services, kind), channel_(std::move(channel)) {
  watch(*channel_);
}

bool ChannelEndpoint::attend() {
  for (;;) {
    Result<Message*> oldest = channel_->oldest(channel_->owner());
    if (!oldest) return oldest.status() == Status::kShouldWait;
    Message message = channel_->take_oldest();
    std::optional<FidlHeader> header = FidlReader::header(message);
    if (kind() == Kind::kHeld) continue;
    // fdio fills in the launcher's requests by hand, and leaves the format out.
    if (!header || (header->magic != kFidlMagic && kind() != Kind::kLauncher)) return false;
    if (!request(*header, message)) return false;
  }
}

void ChannelEndpoint::send(Message message) {
  // Whoever asked may be gone by now.
  static_cast<void>(channel_->write(channel_->owner(), std::move(message)));
}

void ChannelEndpoint::state(Archive& ar) {
  Endpoint::state(ar);
  channel_.state(ar);
  if (ar.loading() && !channel_) ar.fail("a service without its channel");
}

void ChannelEndpoint::let_go() {
  Endpoint::let_go();
  channel_.reset();
}

// --- all of them ---

Services::Services(Kernel& kernel, ServiceHost* host) : kernel_(kernel), host_(host), files_(*this) {
  kernel_.set_attendant(this);
}

Services::~Services() {
  let_go();
  kernel_.set_attendant(nullptr);
}

void Services::add(std::unique_ptr<Endpoint> endpoint) {
  // Two services at the two ends of one channel would take each other's answers for requests, for ever: it is closed.
  Object* object = endpoint->object();
  if (object != nullptr && object->type() == ObjectType::kChannel && serving(static_cast<Channel&>(*object)) != nullptr)
    return;
  endpoint->number_ = ++last_number_;
  Endpoint& added = *endpoint;
  endpoints_.emplace(last_number_, std::move(endpoint));
  ready(added);
}

void Services::ready(const Endpoint& endpoint) {
  // One that is not in the table yet is made ready when it comes in.
  if (endpoint.number() == 0) return;
  ready_.insert(endpoint.number());
  set_pending();
}

void Services::attend() {
  while (!ready_.empty()) {
    auto found = endpoints_.find(*ready_.begin());
    ready_.erase(ready_.begin());
    if (found == endpoints_.end() || found->second->attend()) continue;
    std::unique_ptr<Endpoint> over = std::move(found->second);
    endpoints_.erase(found);
    if (hungry_ == over->number()) hungry_ = 0;
    over.reset();
    files_.collect();
  }
  if (hungry_ != 0) feed_the_hungry();
  set_pending();
}

void Services::feed_the_hungry() {
  auto found = endpoints_.find(hungry_);
  if (found == endpoints_.end()) return;
  static_cast<InputEndpoint&>(*found->second).feed_if_wanted();
}

Endpoint* Services::serving(const Channel& channel) {
  for (auto& [number, endpoint] : endpoints_) {
    Object* object = endpoint->object();
    if (object != nullptr && object->koid() == channel.related_koid()) return endpoint.get();
  }
  return nullptr;
}

Result<HandleOwner> Services::pair_off(std::unique_ptr<Endpoint> (*maker)(Services&, Ref<Channel>)) {
  auto [ours, theirs] = Channel::create(core());
  HandleOwner handle = TRY(core().handles().make(theirs, kChannelRights));
  add(maker(*this, ours));
  return handle;
}

Result<HandleOwner> Services::open_loader() {
  return pair_off([](Services& services, Ref<Channel> channel) -> std::unique_ptr<Endpoint> {
    return std::make_unique<LoaderEndpoint>(services, std::move(channel));
  });
}

Result<HandleOwner> Services::open_held() {
  return pair_off([](Services& services, Ref<Channel> channel) -> std::unique_ptr<Endpoint> {
    return std::make_unique<Held>(services, std::move(channel));
  });
}

Result<HandleOwner> Services::open_directory(uint64_t node, uint32_t flags) {
  auto [ours, theirs] = Channel::create(core());
  HandleOwner handle = TRY(core().handles().make(theirs, kChannelRights));
  add(Connection::make(*this, ours, node, flags));
  return handle;
}

Result<HandleOwner> Services::open_service_directory() {
  if (service_directory_ == 0) {
    service_directory_ = files_.make_root(false);
    files_.add_service(service_directory_, "fuchsia.process.Launcher");
  }
  return open_directory(service_directory_, kRightReadable | kRightWritable);
}

bool Services::connected_to(uint64_t node) const {
  return std::ranges::any_of(endpoints_, [node](const auto& entry) {
    const Connection* connection = Connection::of(*entry.second);
    return connection != nullptr && connection->node() == node;
  });
}

std::optional<uint64_t> Services::node_of_token(Koid token) const {
  for (const auto& [number, endpoint] : endpoints_) {
    const Connection* connection = Connection::of(*endpoint);
    if (connection != nullptr && connection->gave_token(token)) return connection->node();
  }
  return std::nullopt;
}

Result<HandleOwner> Services::open_stream(unsigned descriptor) {
  auto [ours, theirs] = Socket::create(core(), abi::SocketType::kStream);
  HandleOwner handle = TRY(core().handles().make(theirs, abi::default_rights(ObjectType::kSocket)));
  if (descriptor == 0) {
    add(std::make_unique<InputEndpoint>(*this, ours));
  } else {
    add(std::make_unique<OutputEndpoint>(*this, ours, descriptor));
  }
  return handle;
}

Result<HandleOwner> Services::make_utc_clock() {
  // The wall clock begins where the kernel's own did in July 2020, at its backstop.
  Ref<Clock> clock = TRY(Clock::create(core(), abi::ClockOptions::kNone, Time{kUtcAtStart}));
  TRY_STATUS(
      clock->update({.options = abi::ClockUpdateOptions::kSyntheticValueValid, .synthetic_value = kUtcAtStart}, 1));
  // What is asked for UTC without a clock, as programs of July 2020 may, agrees with it.
  kernel_.utc_offset() = Duration{kUtcAtStart};
  return core().handles().make(clock, kUtcRights);
}

Result<Ref<Vmo>> Services::library(std::string_view name) {
  auto known = libraries_.find(name);
  if (known != libraries_.end()) return known->second;
  const std::vector<std::byte>* bytes = host_ != nullptr ? host_->library(name) : nullptr;
  if (bytes == nullptr) return Status::kNotFound;
  Ref<Vmo> vmo = TRY(Vmo::create(core(), bytes->size()));
  static_cast<void>(vmo->set_name(name.substr(name.rfind('/') + 1)));
  TRY_STATUS(vmo->write(0, *bytes));
  libraries_.emplace(name, vmo);
  return vmo;
}

void Services::tell(std::string_view service, std::string_view text) {
  kernel_.tasks().tell([&](KernelObserver& observer) { observer.served(service, text); });
}

std::unique_ptr<Endpoint> Services::make(Endpoint::Kind kind) {
  switch (kind) {
    case Endpoint::Kind::kLoader: return std::make_unique<LoaderEndpoint>(*this);
    case Endpoint::Kind::kOutput: return std::make_unique<OutputEndpoint>(*this);
    case Endpoint::Kind::kInput: return std::make_unique<InputEndpoint>(*this);
    case Endpoint::Kind::kFile:
    case Endpoint::Kind::kDirectory:
    case Endpoint::Kind::kNode: return Connection::make_empty(*this, kind);
    case Endpoint::Kind::kLauncher: return std::make_unique<ProcessLauncher>(*this);
    case Endpoint::Kind::kHeld: return std::make_unique<Held>(*this);
  }
  return nullptr;
}

void Services::let_go() {
  for (auto& [number, endpoint] : endpoints_) endpoint->let_go();
  endpoints_.clear();
  ready_.clear();
  libraries_.clear();
  files_.let_go();
  bootstrap_ = nullptr;
  hungry_ = 0;
  set_pending();
}

void Services::state(Archive& ar) {
  ar(last_number_, hungry_, service_directory_, refused_, missing_);
  state_ref(ar, bootstrap_);
  size_t count = ar.count(libraries_.size(), 2 * sizeof(uint64_t));
  if (ar.loading()) {
    for (size_t i = 0; i < count && ar.ok(); ++i) {
      std::string name;
      Ref<Vmo> vmo;
      ar(name);
      state_ref(ar, vmo);
      if (!vmo) ar.fail("a library without its memory");
      libraries_.emplace(std::move(name), std::move(vmo));
    }
  } else {
    for (auto& [name, vmo] : libraries_) {
      std::string text = name;
      ar(text);
      state_ref(ar, vmo);
    }
  }
  files_.state(ar);
  count = ar.count(endpoints_.size(), sizeof(uint64_t) + 1);
  if (!ar.loading()) {
    for (auto& [number, endpoint] : endpoints_) {
      uint64_t at = number;
      Endpoint::Kind kind = endpoint->kind();
      ar(at, kind);
      endpoint->state(ar);
    }
    return;
  }
  uint64_t last = 0;
  for (size_t i = 0; i < count && ar.ok(); ++i) {
    uint64_t number = 0;
    Endpoint::Kind kind{};
    ar(number, kind);
    std::unique_ptr<Endpoint> endpoint = kind <= Endpoint::Kind::kHeld ? make(kind) : nullptr;
    if (!endpoint || number <= last || number > last_number_) {
      ar.fail("a service of no kind, or out of order");
      break;
    }
    last = endpoint->number_ = number;
    endpoint->state(ar);
    if (!ar.ok()) {
      endpoint->let_go();
      break;
    }
    endpoints_.emplace(number, std::move(endpoint));
  }
  if (hungry_ != 0 && (!endpoints_.contains(hungry_) || endpoints_[hungry_]->kind() != Endpoint::Kind::kInput))
    ar.fail("input for no stream");
  set_pending();
}

}  // namespace jacinth::kernel
