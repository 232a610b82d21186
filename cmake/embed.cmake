# Puts a file into the program as bytes: cairn_embed(<layer> <symbol> <file>) defines
#   extern "C" const char <symbol>_begin[], <symbol>_end[];
# by the assembler's .incbin, so nothing is converted and nothing slows the compiler.
enable_language(ASM)
function(cairn_embed layer symbol file)
  set(source ${CMAKE_BINARY_DIR}/generated/${symbol}.S)
  file(CONFIGURE OUTPUT ${source} CONTENT [[
.section .rodata
.global @symbol@_begin
.global @symbol@_end
@symbol@_begin:
.incbin "@file@"
@symbol@_end:
.byte 0
.section .note.GNU-stack,"",%progbits
]] @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${layer} PRIVATE ${source})
endfunction()
