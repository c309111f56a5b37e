// Which code of which file ran, and how often: what coverage reports are made of.
//
// Counts are of blocks as the engine cuts them. Where a block ends early, in an exception, the rest of it counts as
// executed all the same. Code that lies in no file (made at run time, or copied) is left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "boards/system.h"
#include "emu/cpu/cpu.h"
#include "kernel/task/observer.h"
#include "tools/jacinth/guest_code.h"

namespace jacinth::cli {

class Coverage final : public emu::BlockListener, private kernel::KernelObserver {
 public:
  struct Block {
    uint32_t size = 0;
    uint64_t count = 0;
  };
  struct Module {
    const emu::SymbolFile* symbols = nullptr;
    uint64_t bias = 0;
    std::string name;
    std::map<uint64_t, Block> blocks;  ///< By address as the file has it.
  };

  ~Coverage() override;
  Coverage() = default;
  Coverage(const Coverage&) = delete;
  Coverage& operator=(const Coverage&) = delete;

  /// The machine whose code it hears of, before it runs. Both outlive the use of it.
  void attach(boards::System& system, SymbolizedCode& code);
  void detach();

  void block(PhysAddr page_table, GuestAddr address, uint32_t size) override;

  /// A file that lies at two addresses is two modules.
  const std::vector<Module>& modules() const { return modules_; }

 private:
  /// Tables and addresses may come to mean something else.
  void process_exited(kernel::Process&) override { known_.clear(); }
  Block* find(PhysAddr page_table, GuestAddr address);

  struct Place {
    uint64_t page_table;
    uint64_t address;
    bool operator==(const Place&) const = default;
  };
  struct PlaceHash {
    size_t operator()(const Place& place) const {
      return static_cast<size_t>((place.address ^ place.page_table << 20) * 0x9e37'79b9'7f4a'7c15);
    }
  };

  boards::System* system_ = nullptr;
  SymbolizedCode* code_ = nullptr;
  std::vector<Module> modules_;
  std::unordered_map<Place, Block*, PlaceHash> known_;  // Null: in no file. Never iterated.
};

}  // namespace jacinth::cli
